import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Program, shader } from '../dispatch.js'
import { DEVICE_MODELS } from './device-model.js'
import type { Epilogue } from './epilogue.js'
import { emulatedMatrices, findUnit, type MatrixShape, type MatrixUnit, subgroupMatrices } from './matrix-unit.js'
import { MIXED_TILES, type MixedTile, mixedProductProgram, mixedTiles } from './mixed-product.js'
import { plansOf } from './tile.js'

/** Every layout that linear maps need, with what is done to its results. */
const PRODUCTS: readonly [name: string, left: 'depth' | 'outer', right: 'depth' | 'outer', epilogue: Epilogue, sums: boolean][] = [
  ['forward', 'depth', 'depth', { bias: true, keep: true, gelu: true, residual: true }, false],
  ['input gradient', 'depth', 'outer', { geluDerivative: true }, false],
  ['weight gradient', 'outer', 'outer', {}, true],
]

/** What NVIDIA's and AMD's, Intel's, and others' devices have of float16; Apple's have the last of float32. */
const SHAPES: readonly MatrixShape[] = [
  { m: 16, n: 16, k: 16 },
  { m: 8, n: 16, k: 16 },
  { m: 8, n: 8, k: 8 },
]

const controlled = true
const UNITS = [
  ...SHAPES.flatMap((shape) => [
    subgroupMatrices(shape, 32),
    subgroupMatrices(shape, 32, { controlled }),
    subgroupMatrices(shape, 16, { controlled }),
  ]),
  subgroupMatrices({ m: 8, n: 8, k: 8 }, 32, { element: 'f32' }),
]

/** Products of what is stored as float16, and into it. */
const HALVES: typeof PRODUCTS = [
  ['forward of and into halves', 'depth', 'depth', { bias: true, keep: true, gelu: true }, false],
  ['input gradient of and into halves', 'depth', 'outer', { geluDerivative: true }, false],
  ['weight gradient of halves', 'outer', 'outer', {}, true],
]

function halfProgram([, left, right, epilogue, sums]: (typeof HALVES)[number], tile: MixedTile, unit: MatrixUnit): Program {
  const operands = {
    left: { name: 'left', contiguous: left, wide: true, whole: true, half: unit },
    // Of the input gradient it is a weight.
    right: { name: 'right', contiguous: right, wide: true, whole: true, ...(left === right && { half: unit }) },
  } as const
  return mixedProductProgram({ ...operands, wide: true, epilogue: sums ? epilogue : { ...epilogue, half: unit }, sums }, tile, unit)
}

function halfPrograms() {
  return UNITS.flatMap((unit) =>
    HALVES.flatMap((product) =>
      MIXED_TILES.slice(0, 2).map((tile) => ({
        name: `${unit.name}, ${product[0]}, ${tile.rows} x ${tile.columns}`,
        program: halfProgram(product, tile, unit),
        bytes: mixedTiles(unit).needs(tile).bytes,
      })),
    ),
  )
}

function programs() {
  return UNITS.flatMap((unit) =>
    PRODUCTS.flatMap(([name, left, right, epilogue, sums]) =>
      MIXED_TILES.flatMap((tile) =>
        [true, false].map((wide) => {
          const operands = {
            left: { name: 'left', contiguous: left, wide, whole: wide },
            right: { name: 'right', contiguous: right, wide, whole: wide },
          } as const
          const program = mixedProductProgram({ ...operands, wide, epilogue, sums }, tile, unit)
          return {
            name: `${unit.name}, ${name}, ${tile.rows} x ${tile.columns}, ${wide ? 'four values' : 'one value'} at once`,
            program,
            bytes: mixedTiles(unit).needs(tile).bytes,
          }
        }),
      ),
    ),
  )
}

/** What of a program's code depends on the unit. */
function unitCode(shape: MatrixShape, options: Parameters<typeof subgroupMatrices>[2] = {}): string {
  const operands = {
    left: { name: 'left', contiguous: 'depth', wide: true, whole: true },
    right: { name: 'right', contiguous: 'depth', wide: true, whole: true },
  } as const
  const product = { ...operands, wide: true, epilogue: {}, sums: false }
  const lines = shader(mixedProductProgram(product, MIXED_TILES[1]!, subgroupMatrices(shape, 32, options))).split('\n')
  const distinct = lines.filter((line) =>
    /enable|diagnostic|subgroup_size|_tile: |patch_values: |let row = sub|let column = sub|var c00|let a0|let b0|c00 = subgroup|Store/.test(
      line,
    ),
  )
  return [...new Set(distinct.map((line) => line.trim()))].slice(0, 16).join('\n')
}

test('the code for 16 x 16 x 16', () => {
  expect(unitCode({ m: 16, n: 16, k: 16 })).toMatchInlineSnapshot(`
    "enable f16;
    enable chromium_experimental_subgroup_matrix;
    diagnostic(off, chromium.subgroup_matrix_uniformity);
    var<workgroup> left_tile: array<vec4<f16>, 640>;
    var<workgroup> right_tile: array<vec4<f16>, 1280>;
    var<workgroup> patch_values: array<f32, 1024>;
    let row = subgroup / 2u * 32u;
    let column = subgroup % 2u * 64u;
    var c00 = subgroup_matrix_result<f32, 16, 16>(); var c01 = subgroup_matrix_result<f32, 16, 16>(); var c02 = subgroup_matrix_result<f32, 16, 16>(); var c03 = subgroup_matrix_result<f32, 16, 16>(); var c10 = subgroup_matrix_result<f32, 16, 16>(); var c11 = subgroup_matrix_result<f32, 16, 16>(); var c12 = subgroup_matrix_result<f32, 16, 16>(); var c13 = subgroup_matrix_result<f32, 16, 16>();
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&left_tile, (row + 0u) * 10u + 0u, 10u);
    let b0 = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&right_tile, (column + 0u) * 10u + 0u, 10u);
    c00 = subgroupMatrixMultiplyAccumulate(a0, b0, c00);
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>, row_major>(&left_tile, (row + 0u) * 10u + 4u, 10u);
    let b0 = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&right_tile, (column + 0u) * 10u + 4u, 10u);
    subgroupMatrixStore<row_major>(&patch_values, patch_start, c00, 16u);
    subgroupMatrixStore<row_major>(&patch_values, patch_start, c01, 16u);"
  `)
})

test('the code for 8 x 16 x 16', () => {
  expect(unitCode({ m: 8, n: 16, k: 16 })).toMatchInlineSnapshot(`
    "enable f16;
    enable chromium_experimental_subgroup_matrix;
    diagnostic(off, chromium.subgroup_matrix_uniformity);
    var<workgroup> left_tile: array<vec4<f16>, 640>;
    var<workgroup> right_tile: array<vec4<f16>, 1280>;
    var<workgroup> patch_values: array<f32, 512>;
    let row = subgroup / 2u * 32u;
    let column = subgroup % 2u * 64u;
    var c00 = subgroup_matrix_result<f32, 16, 8>(); var c01 = subgroup_matrix_result<f32, 16, 8>(); var c02 = subgroup_matrix_result<f32, 16, 8>(); var c03 = subgroup_matrix_result<f32, 16, 8>(); var c10 = subgroup_matrix_result<f32, 16, 8>(); var c11 = subgroup_matrix_result<f32, 16, 8>(); var c12 = subgroup_matrix_result<f32, 16, 8>(); var c13 = subgroup_matrix_result<f32, 16, 8>(); var c20 = subgroup_matrix_result<f32, 16, 8>(); var c21 = subgroup_matrix_result<f32, 16, 8>(); var c22 = subgroup_matrix_result<f32, 16, 8>(); var c23 = subgroup_matrix_result<f32, 16, 8>(); var c30 = subgroup_matrix_result<f32, 16, 8>(); var c31 = subgroup_matrix_result<f32, 16, 8>(); var c32 = subgroup_matrix_result<f32, 16, 8>(); var c33 = subgroup_matrix_result<f32, 16, 8>();
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&left_tile, (row + 0u) * 10u + 0u, 10u);
    let b0 = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&right_tile, (column + 0u) * 10u + 0u, 10u);
    c00 = subgroupMatrixMultiplyAccumulate(a0, b0, c00);
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 8>, row_major>(&left_tile, (row + 0u) * 10u + 4u, 10u);
    let b0 = subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>, col_major>(&right_tile, (column + 0u) * 10u + 4u, 10u);
    subgroupMatrixStore<row_major>(&patch_values, patch_start, c00, 16u);
    subgroupMatrixStore<row_major>(&patch_values, patch_start, c01, 16u);"
  `)
})

test('the code for 8 x 8 x 8, of subgroups whose size is asked for', () => {
  expect(unitCode({ m: 8, n: 8, k: 8 }, { controlled })).toMatchInlineSnapshot(`
    "enable f16;
    enable subgroups;
    enable subgroup_size_control;
    enable chromium_experimental_subgroup_matrix;
    diagnostic(off, chromium.subgroup_matrix_uniformity);
    var<workgroup> left_tile: array<vec4<f16>, 640>;
    var<workgroup> right_tile: array<vec4<f16>, 1280>;
    var<workgroup> patch_values: array<f32, 256>;
    @subgroup_size(32)
    let row = subgroup / 2u * 32u;
    let column = subgroup % 2u * 64u;
    var c00 = subgroup_matrix_result<f32, 8, 8>(); var c01 = subgroup_matrix_result<f32, 8, 8>(); var c02 = subgroup_matrix_result<f32, 8, 8>(); var c03 = subgroup_matrix_result<f32, 8, 8>(); var c04 = subgroup_matrix_result<f32, 8, 8>(); var c05 = subgroup_matrix_result<f32, 8, 8>(); var c06 = subgroup_matrix_result<f32, 8, 8>(); var c07 = subgroup_matrix_result<f32, 8, 8>(); var c10 = subgroup_matrix_result<f32, 8, 8>(); var c11 = subgroup_matrix_result<f32, 8, 8>(); var c12 = subgroup_matrix_result<f32, 8, 8>(); var c13 = subgroup_matrix_result<f32, 8, 8>(); var c14 = subgroup_matrix_result<f32, 8, 8>(); var c15 = subgroup_matrix_result<f32, 8, 8>(); var c16 = subgroup_matrix_result<f32, 8, 8>(); var c17 = subgroup_matrix_result<f32, 8, 8>(); var c20 = subgroup_matrix_result<f32, 8, 8>(); var c21 = subgroup_matrix_result<f32, 8, 8>(); var c22 = subgroup_matrix_result<f32, 8, 8>(); var c23 = subgroup_matrix_result<f32, 8, 8>(); var c24 = subgroup_matrix_result<f32, 8, 8>(); var c25 = subgroup_matrix_result<f32, 8, 8>(); var c26 = subgroup_matrix_result<f32, 8, 8>(); var c27 = subgroup_matrix_result<f32, 8, 8>(); var c30 = subgroup_matrix_result<f32, 8, 8>(); var c31 = subgroup_matrix_result<f32, 8, 8>(); var c32 = subgroup_matrix_result<f32, 8, 8>(); var c33 = subgroup_matrix_result<f32, 8, 8>(); var c34 = subgroup_matrix_result<f32, 8, 8>(); var c35 = subgroup_matrix_result<f32, 8, 8>(); var c36 = subgroup_matrix_result<f32, 8, 8>(); var c37 = subgroup_matrix_result<f32, 8, 8>();
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 8>, row_major>(&left_tile, (row + 0u) * 10u + 0u, 10u);
    let b0 = subgroupMatrixLoad<subgroup_matrix_right<f16, 8, 8>, col_major>(&right_tile, (column + 0u) * 10u + 0u, 10u);
    c00 = subgroupMatrixMultiplyAccumulate(a0, b0, c00);
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f16, 8, 8>, row_major>(&left_tile, (row + 0u) * 10u + 2u, 10u);"
  `)
})

/** What of the code depends on how values are stored. */
function storageCode(product: (typeof HALVES)[number], unit: MatrixUnit): string {
  const lines = shader(halfProgram(product, MIXED_TILES[0]!, unit)).split('\n')
  const distinct = lines.filter((line) =>
    /var<storage|_block\(|_(row|column)\(.*->|\/ 4u\]|kept|derivative\(|result\[|_sum|finish_sums|left_tile\[/.test(line),
  )
  return [...new Set(distinct.map((line) => line.trim()))]
    .map((line) => (line.includes('_tile[(') ? `${line.slice(0, 300)} ...` : line))
    .join('\n')
}

test('the code for 8 x 8 x 8 of float32', () => {
  expect(unitCode({ m: 8, n: 8, k: 8 }, { element: 'f32' })).toMatchInlineSnapshot(`
    "enable chromium_experimental_subgroup_matrix;
    diagnostic(off, chromium.subgroup_matrix_uniformity);
    var<workgroup> left_tile: array<vec4<f32>, 640>;
    var<workgroup> right_tile: array<vec4<f32>, 1280>;
    var<workgroup> patch_values: array<f32, 256>;
    let row = subgroup / 2u * 32u;
    let column = subgroup % 2u * 64u;
    var c00 = subgroup_matrix_result<f32, 8, 8>(); var c01 = subgroup_matrix_result<f32, 8, 8>(); var c02 = subgroup_matrix_result<f32, 8, 8>(); var c03 = subgroup_matrix_result<f32, 8, 8>(); var c04 = subgroup_matrix_result<f32, 8, 8>(); var c05 = subgroup_matrix_result<f32, 8, 8>(); var c06 = subgroup_matrix_result<f32, 8, 8>(); var c07 = subgroup_matrix_result<f32, 8, 8>(); var c10 = subgroup_matrix_result<f32, 8, 8>(); var c11 = subgroup_matrix_result<f32, 8, 8>(); var c12 = subgroup_matrix_result<f32, 8, 8>(); var c13 = subgroup_matrix_result<f32, 8, 8>(); var c14 = subgroup_matrix_result<f32, 8, 8>(); var c15 = subgroup_matrix_result<f32, 8, 8>(); var c16 = subgroup_matrix_result<f32, 8, 8>(); var c17 = subgroup_matrix_result<f32, 8, 8>(); var c20 = subgroup_matrix_result<f32, 8, 8>(); var c21 = subgroup_matrix_result<f32, 8, 8>(); var c22 = subgroup_matrix_result<f32, 8, 8>(); var c23 = subgroup_matrix_result<f32, 8, 8>(); var c24 = subgroup_matrix_result<f32, 8, 8>(); var c25 = subgroup_matrix_result<f32, 8, 8>(); var c26 = subgroup_matrix_result<f32, 8, 8>(); var c27 = subgroup_matrix_result<f32, 8, 8>(); var c30 = subgroup_matrix_result<f32, 8, 8>(); var c31 = subgroup_matrix_result<f32, 8, 8>(); var c32 = subgroup_matrix_result<f32, 8, 8>(); var c33 = subgroup_matrix_result<f32, 8, 8>(); var c34 = subgroup_matrix_result<f32, 8, 8>(); var c35 = subgroup_matrix_result<f32, 8, 8>(); var c36 = subgroup_matrix_result<f32, 8, 8>(); var c37 = subgroup_matrix_result<f32, 8, 8>();
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&left_tile, (row + 0u) * 10u + 0u, 10u);
    let b0 = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&right_tile, (column + 0u) * 10u + 0u, 10u);
    c00 = subgroupMatrixMultiplyAccumulate(a0, b0, c00);
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&left_tile, (row + 0u) * 10u + 2u, 10u);
    let b0 = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&right_tile, (column + 0u) * 10u + 2u, 10u);
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&left_tile, (row + 0u) * 10u + 4u, 10u);
    let b0 = subgroupMatrixLoad<subgroup_matrix_right<f32, 8, 8>, col_major>(&right_tile, (column + 0u) * 10u + 4u, 10u);
    let a0 = subgroupMatrixLoad<subgroup_matrix_left<f32, 8, 8>, row_major>(&left_tile, (row + 0u) * 10u + 6u, 10u);"
  `)
})

test('the code of products of what is stored as float16, and into it', () => {
  const unit = subgroupMatrices({ m: 16, n: 16, k: 16 }, 32)
  expect(storageCode(HALVES[0]!, unit)).toMatchInlineSnapshot(`
    "@group(0) @binding(0) var<storage, read> left: array<vec2u>;
    @group(0) @binding(1) var<storage, read> right: array<vec2u>;
    @group(0) @binding(2) var<storage, read> bias: array<vec4f>;
    @group(0) @binding(3) var<storage, read_write> kept: array<vec2u>;
    @group(0) @binding(4) var<storage, read_write> result: array<vec2u>;
    fn left_row(outer: u32, k: u32, end: u32) -> vec4h {
    return bitcast<vec4h>(left[(min(outer, u.rows - 1u) * u.depth + k) / 4u]);
    fn left_block(outer: u32, k: u32, end: u32) -> mat4x4h {
    fn right_row(outer: u32, k: u32, end: u32) -> vec4h {
    return bitcast<vec4h>(right[(min(outer, u.columns - 1u) * u.depth + k) / 4u]);
    fn right_block(outer: u32, k: u32, end: u32) -> mat4x4h {
    fn gelu_derivative(x: vec4f) -> vec4f {
    value += bias[(column) / 4u];
    kept[(at) / 4u] = bitcast<vec2u>(vec4h(in_range4(value, 65504.0)));
    result[(offset + at) / 4u] = bitcast<vec2u>(vec4h(in_range4(value * u.scale, u.beyond)));
    left_0 = left_block(first_row + 4u * (local / 8u), k + 4u * (local % 8u), end);
    right_0 = right_block(first_column + 4u * (local / 8u), k + 4u * (local % 8u), end);
    left_tile[(4u * (local / 8u) + 0u) * 10u + 4u * (local % 8u) / 4u] = vec4<f16>(left_0[0][0], left_0[1][0], left_0[2][0], left_0[3][0]); left_tile[(4u * (local / 8u) + 1u) * 10u + 4u * (local % 8u) / 4u] = vec4<f16>(left_0[0][1], left_0[1][1], left_0[2][1], left_0[3][1]); left_tile[(4u * (local / 8u) ...
    right_tile[(4u * (local / 8u) + 0u) * 10u + 4u * (local % 8u) / 4u] = vec4<f16>(right_0[0][0], right_0[1][0], right_0[2][0], right_0[3][0]); right_tile[(4u * (local / 8u) + 1u) * 10u + 4u * (local % 8u) / 4u] = vec4<f16>(right_0[0][1], right_0[1][1], right_0[2][1], right_0[3][1]); right_tile[(4u * ( ..."
  `)
  expect(storageCode(HALVES[1]!, unit)).toMatchInlineSnapshot(`
    "@group(0) @binding(0) var<storage, read> left: array<vec2u>;
    @group(0) @binding(1) var<storage, read> right: array<vec4f>;
    @group(0) @binding(2) var<storage, read> pre_activation: array<vec2u>;
    @group(0) @binding(3) var<storage, read_write> result: array<vec2u>;
    fn left_row(outer: u32, k: u32, end: u32) -> vec4h {
    return bitcast<vec4h>(left[(min(outer, u.rows - 1u) * u.depth + k) / 4u]);
    fn left_block(outer: u32, k: u32, end: u32) -> mat4x4h {
    fn right_column(outer: u32, k: u32, end: u32) -> vec4f {
    return right[(k * u.columns + min(outer, u.columns - 4u)) / 4u];
    fn right_block(outer: u32, k: u32, end: u32) -> mat4x4f {
    fn gelu_derivative(x: vec4f) -> vec4f {
    return vec4f(bitcast<vec4h>(pre_activation[(at) / 4u]));
    value *= gelu_derivative(pre_activation_value);
    result[(offset + at) / 4u] = bitcast<vec2u>(vec4h(in_range4(value * u.scale, u.beyond)));
    left_0 = left_block(first_row + 4u * (local / 8u), k + 4u * (local % 8u), end);
    right_0 = right_block(first_column + 4u * (local % 16u), k + 4u * (local / 16u), end);
    left_tile[(4u * (local / 8u) + 0u) * 10u + 4u * (local % 8u) / 4u] = vec4<f16>(left_0[0][0], left_0[1][0], left_0[2][0], left_0[3][0]); left_tile[(4u * (local / 8u) + 1u) * 10u + 4u * (local % 8u) / 4u] = vec4<f16>(left_0[0][1], left_0[1][1], left_0[2][1], left_0[3][1]); left_tile[(4u * (local / 8u) ...
    right_tile[(4u * (local % 16u) + 0u) * 10u + 4u * (local / 16u) / 4u] = vec4h(in_range4(vec4<f32>(right_0[0][0], right_0[1][0], right_0[2][0], right_0[3][0]), 65504.0)); right_tile[(4u * (local % 16u) + 1u) * 10u + 4u * (local / 16u) / 4u] = vec4h(in_range4(vec4<f32>(right_0[0][1], right_0[1][1], ri ..."
  `)
  expect(storageCode(HALVES[2]!, unit)).toMatchInlineSnapshot(`
    "@group(0) @binding(0) var<storage, read> left: array<vec2u>;
    @group(0) @binding(1) var<storage, read> right: array<vec2u>;
    @group(0) @binding(2) var<storage, read_write> result: array<vec4f>;
    @group(0) @binding(3) var<storage, read_write> sums: array<f32>;
    fn left_column(outer: u32, k: u32, end: u32) -> vec4h {
    return bitcast<vec4h>(left[(k * u.rows + min(outer, u.rows - 4u)) / 4u]);
    fn left_block(outer: u32, k: u32, end: u32) -> mat4x4h {
    fn right_column(outer: u32, k: u32, end: u32) -> vec4h {
    return bitcast<vec4h>(right[(k * u.columns + min(outer, u.columns - 4u)) / 4u]);
    fn right_block(outer: u32, k: u32, end: u32) -> mat4x4h {
    result[(offset + at) / 4u] = value;
    var left_0_sum = vec4f();
    left_0 = left_block(first_row + 4u * (local % 16u), k + 4u * (local / 16u), end);
    right_0 = right_block(first_column + 4u * (local % 16u), k + 4u * (local / 16u), end);
    left_tile[(4u * (local % 16u) + 0u) * 10u + 4u * (local / 16u) / 4u] = vec4<f16>(left_0[0][0], left_0[1][0], left_0[2][0], left_0[3][0]); left_tile[(4u * (local % 16u) + 1u) * 10u + 4u * (local / 16u) / 4u] = vec4<f16>(left_0[0][1], left_0[1][1], left_0[2][1], left_0[3][1]); left_tile[(4u * (local % ...
    right_tile[(4u * (local % 16u) + 0u) * 10u + 4u * (local / 16u) / 4u] = vec4<f16>(right_0[0][0], right_0[1][0], right_0[2][0], right_0[3][0]); right_tile[(4u * (local % 16u) + 1u) * 10u + 4u * (local / 16u) / 4u] = vec4<f16>(right_0[0][1], right_0[1][1], right_0[2][1], right_0[3][1]); right_tile[(4u ...
    left_0_sum += vec4f(left_0[0]) + vec4f(left_0[1]) + vec4f(left_0[2]) + vec4f(left_0[3]);
    if (slice + 1u < slices) { left_0_sum += vec4f(left_0[0]) + vec4f(left_0[1]) + vec4f(left_0[2]) + vec4f(left_0[3]); }
    sum_tile[4u * (local % 16u) / 4u * 8u + 4u * (local / 16u) / 4u] = left_0_sum;
    if (group.x == 0u && local < 16u) { finish_sums(first_row + 4u * local, part, (sum_tile[local * 8u + 0u] + sum_tile[local * 8u + 1u] + sum_tile[local * 8u + 2u] + sum_tile[local * 8u + 3u] + sum_tile[local * 8u + 4u] + sum_tile[local * 8u + 5u] + sum_tile[local * 8u + 6u] + sum_tile[local * 8u + 7u]) / u.scale); }
    fn finish_sums(row: u32, part: u32, value: vec4f) {"
  `)
})

test('the code of the same where there is no float16', () => {
  const code = storageCode(HALVES[1]!, emulatedMatrices({ m: 16, n: 16, k: 16 }, 32))
  expect(code.split('\n').filter((line) => line.includes('x16float'))).toMatchInlineSnapshot(`
    [
      "return vec4f(unpack2x16float(left[(min(outer, u.rows - 1u) * u.depth + k) / 4u].x), unpack2x16float(left[(min(outer, u.rows - 1u) * u.depth + k) / 4u].y));",
      "return vec4f(vec4f(unpack2x16float(pre_activation[(at) / 4u].x), unpack2x16float(pre_activation[(at) / 4u].y)));",
      "result[(offset + at) / 4u] = vec2u(pack2x16float(in_range4(value * u.scale, u.beyond).xy), pack2x16float(in_range4(value * u.scale, u.beyond).zw));",
    ]
  `)
})

test('keys tell what is stored as float16 apart', () => {
  const unit = subgroupMatrices({ m: 16, n: 16, k: 16 }, 32)
  const key = (left: boolean, right: boolean, result: boolean) => {
    const operand = <N extends 'left' | 'right'>(name: N, half: boolean) => {
      return { name, contiguous: 'depth', wide: true, whole: true, ...(half && { half: unit }) } as const
    }
    const epilogue = { gelu: true, ...(result && { half: unit }) }
    const product = { left: operand('left', left), right: operand('right', right), wide: true, epilogue, sums: false }
    return mixedProductProgram(product, MIXED_TILES[0]!, unit).key
  }
  const cases = [false, true].flatMap((left) => [false, true].flatMap((right) => [false, true].map((result) => key(left, right, result))))
  expect(new Set(cases).size).toBe(8)
  expect(cases[0]).toBe('learngene f16 16x16x16 product depth4 depth4 64x64 4 gelu false')
  expect(cases[7]).toBe('learngene f16 16x16x16 product depth4h depth4h 64x64 4 gelu+half false')
})

describe('on a device that checks shaders and runs nothing', () => {
  let gpu: GPU | undefined
  let device: GPUDevice

  beforeAll(async () => {
    const { create, globals } = await import('webgpu')
    for (const [name, value] of Object.entries(globals)) (globalThis as Record<string, unknown>)[name] ??= value
    gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia,use_vulkan_memory_model'])
    const adapter = await gpu.requestAdapter()
    const names = ['shader-f16', 'chromium-experimental-subgroup-matrix', 'subgroups', 'subgroup-size-control']
    const requiredFeatures = names as unknown as GPUFeatureName[]
    device = await adapter!.requestDevice({ requiredFeatures })
  })
  afterAll(() => {
    device.destroy()
    gpu = undefined
  })

  async function compile(code: string): Promise<{ readonly module: GPUShaderModule; readonly messages: string[] }> {
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ code })
    const info = await module.getCompilationInfo()
    await device.popErrorScope()
    // Warnings too: what is deprecated is about to go.
    return { module, messages: info.messages.map(({ lineNum, message }) => `${code.split('\n')[lineNum - 1]}: ${message}`) }
  }

  test.each([...programs(), ...halfPrograms()])(
    'makes a pipeline, but for larger tiles than it has memory for: $name',
    async ({ program, bytes }) => {
      const { module, messages } = await compile(shader(program))
      expect(messages).toEqual([])
      device.pushErrorScope('validation')
      device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } })
      const error = (await device.popErrorScope())?.message
      if (bytes <= device.limits.maxComputeWorkgroupStorageSize) expect(error).toBeUndefined()
      else if (error) expect(error).toContain('workgroup storage')
    },
  )

  test('two tiles need no more memory than any device has, of float32 no more than the devices that are let in', () => {
    const fitting = (element: 'f16' | 'f32', most: number) => {
      const units = UNITS.filter((unit) => unit.element === element)
      const tiles = MIXED_TILES.filter((tile) => units.every((unit) => mixedTiles(unit).needs(tile).bytes <= most))
      return tiles.map(({ rows, columns }) => `${rows}x${columns}`)
    }
    expect(fitting('f16', 16_384)).toEqual(['64x64', '32x64'])
    expect(fitting('f32', 16_384)).toEqual([])
    expect(fitting('f32', 32_768)).toEqual(['64x64', '32x64'])
  })

  test('a mistake would be found', async () => {
    const { program } = programs()[0]!
    expect((await compile(shader({ ...program, code: program.code.replace('vec4h(', 'vec5h(') }))).messages).not.toEqual([])
  })

  test('is told from one that has them', () => {
    expect(findUnit({ device })).toBe(
      'the GPU has no subgroup matrices of float16 or float32 that are summed in float32, of edges 8 or 16; it has none',
    )
  })
})

/** All matrices that a device's may be: edges and depths of 8 and 16. */
const ALL_SHAPES: readonly MatrixShape[] = [8, 16].flatMap((m) => [8, 16].flatMap((n) => [8, 16].map((k) => ({ m, n, k }))))

test('plans are the same for all matrices: which of them a device multiplies by does not depend on the product', () => {
  const size = fc.integer({ min: 1, max: 20_000 })
  const device = fc.record({
    limits: fc.record({
      maxComputeInvocationsPerWorkgroup: fc.constantFrom(128, 256, 1024),
      maxComputeWorkgroupSizeX: fc.constantFrom(256, 1024),
      // All that Dawn states.
      maxComputeWorkgroupStorageSize: fc.constantFrom(16_384, 32_768, 49_152, 65_536),
      maxComputeWorkgroupsPerDimension: fc.constant(65_535),
      maxStorageBufferBindingSize: fc.constantFrom(2 ** 27, 2 ** 31),
    }),
    model: fc.constantFrom(...Object.values(DEVICE_MODELS)),
  })
  const product = fc.record({ rows: size, columns: size, depth: size, divisible: fc.boolean() })
  const plannedFor = new Set<string>()
  fc.assert(
    fc.property(product, device, fc.constantFrom(16, 32, 64), (product, device, subgroup) => {
      const [plans, ...others] = ALL_SHAPES.map((shape) => plansOf(mixedTiles(subgroupMatrices(shape, subgroup)), product, device))
      for (const other of others) expect(other).toEqual(plans)
      for (const { tile } of plans!) plannedFor.add(`${tile.rows}x${tile.columns}`)
    }),
  )
  expect(plannedFor.size).toBe(MIXED_TILES.length)
})

/** What each of a workgroup's subgroups does with the slices and the results of a tile, by the program's code. */
function instructionsOf(tile: MixedTile, shape: MatrixShape) {
  const operand = { contiguous: 'depth', wide: true, whole: true } as const
  const operands = { left: { ...operand, name: 'left' }, right: { ...operand, name: 'right' } } as const
  const { code } = mixedProductProgram({ ...operands, wide: true, epilogue: {}, sums: false }, tile, subgroupMatrices(shape, 32))
  const count = (text: string) => code.split(text).length - 1
  const [left, right] = [count('subgroupMatrixLoad<subgroup_matrix_left'), count('subgroupMatrixLoad<subgroup_matrix_right')]
  return {
    values: (left * shape.m + right * shape.n) * shape.k,
    loads: left + right,
    multiplications: count('subgroupMatrixMultiplyAccumulate('),
    stores: count('subgroupMatrixStore<'),
  }
}

test('of a tile all matrices read the same values, and larger ones take no more instructions of any kind', () => {
  const volume = ({ m, n, k }: MatrixShape) => m * n * k
  for (const tile of MIXED_TILES) {
    const counts = ALL_SHAPES.map((shape) => ({ volume: volume(shape), ...instructionsOf(tile, shape) }))
    for (const larger of counts) {
      for (const smaller of counts.filter((other) => other.volume < larger.volume)) {
        expect(larger.values).toBe(smaller.values)
        for (const kind of ['loads', 'multiplications', 'stores'] as const) expect(larger[kind]).toBeLessThanOrEqual(smaller[kind])
      }
    }
  }
  const counted = ([m, n, k]: readonly [number, number, number]) => {
    const { values, loads, multiplications, stores } = instructionsOf(MIXED_TILES[0]!, { m, n, k })
    return `${m}x${n}x${k}: ${values} values in ${loads} loads, ${multiplications} multiplications, ${stores} stores`
  }
  const listed = [
    [16, 16, 16],
    [16, 8, 16],
    [8, 16, 16],
    [16, 8, 8],
    [8, 8, 8],
  ] as const
  expect(listed.map(counted)).toMatchInlineSnapshot(`
    [
      "16x16x16: 2048 values in 8 loads, 8 multiplications, 4 stores",
      "16x8x16: 2048 values in 12 loads, 16 multiplications, 8 stores",
      "8x16x16: 2048 values in 12 loads, 16 multiplications, 8 stores",
      "16x8x8: 2048 values in 24 loads, 32 multiplications, 8 stores",
      "8x8x8: 2048 values in 32 loads, 64 multiplications, 16 stores",
    ]
  `)
})

const matrices = (M: number, N: number, K: number, componentType = 'f16', resultComponentType = 'f32') => ({
  componentType,
  resultComponentType,
  M,
  N,
  K,
})
const features = ['shader-f16', 'chromium-experimental-subgroup-matrix']
const of = (least: number, most: number, ...subgroupMatrixConfigs: object[]) => ({
  subgroupMinSize: least,
  subgroupMaxSize: most,
  subgroupMatrixConfigs,
})

test.each<[string, string[], object, string]>([
  ['the largest of those that it has', features, of(32, 32, matrices(8, 8, 8), matrices(16, 16, 16)), 'f16 16x16x16'],
  [
    "Intel's",
    [...features, 'subgroup-size-control'],
    of(8, 32, matrices(8, 16, 16), matrices(8, 16, 16, 'f16', 'f16')),
    'f16 8x16x16 of 32',
  ],
  ["Apple's, which are of one element each", features, of(32, 32, matrices(8, 8, 8, 'f32'), matrices(8, 8, 8, 'f16', 'f16')), 'f32 8x8x8'],
  ['float16 before float32', features, of(32, 32, matrices(16, 16, 16, 'f32'), matrices(8, 8, 8)), 'f16 8x8x8'],
  ["AMD's of 64 threads", features, of(64, 64, matrices(16, 16, 16)), 'f16 16x16x16'],
  ["NVIDIA's, in any order", features, of(32, 32, matrices(16, 8, 8), matrices(16, 8, 16), matrices(16, 16, 16)), 'f16 16x16x16'],
])('a device takes %s', (_, features, adapterInfo, name) => {
  const device = { features: new Set(features), adapterInfo, limits: { maxComputeWorkgroupStorageSize: 32_768 } } as unknown as GPUDevice
  expect(findUnit({ device })).toMatchObject({ name })
})

test.each<[string, string[], object, string]>([
  ['no features', [], {}, 'the GPU device lacks shader-f16 and chromium-experimental-subgroup-matrix'],
  ['no float16', features.slice(1), {}, 'the GPU device lacks shader-f16'],
  [
    'subgroups of several sizes',
    features,
    of(16, 32, matrices(16, 16, 16)),
    'the GPU has subgroups of 16 to 32 threads, and the device lacks subgroup-size-control to choose among them',
  ],
  ['other subgroups', features, of(128, 128, matrices(16, 16, 16)), 'the GPU has subgroups of 128 to 128 threads instead of 32, 64, 16'],
  [
    'other matrices',
    features,
    of(32, 32, matrices(16, 16, 16, 'f16', 'f16'), matrices(4, 4, 4)),
    'the GPU has no subgroup matrices of float16 or float32 that are summed in float32, of edges 8 or 16; it has 16x16x16 of f16 in f16, 4x4x4 of f16 in f32',
  ],
])('a device with %s has none: %#', (_, features, adapterInfo, missing) => {
  const device = { features: new Set(features), adapterInfo, limits: {} } as unknown as GPUDevice
  expect(findUnit({ device })).toBe(missing)
})

test('matrices of float32 need more workgroup memory than every device has', () => {
  const adapterInfo = of(32, 32, matrices(8, 8, 8, 'f32'))
  const device = { features: new Set(features), adapterInfo, limits: { maxComputeWorkgroupStorageSize: 16_384 } } as unknown as GPUDevice
  expect(findUnit({ device })).toBe('slices of float32 take 32768 bytes of workgroup memory, and the GPU device has 16384')
})

test("the adapter's own list counts where its device has none, as under Node", () => {
  const device = { features: new Set(features), adapterInfo: of(32, 32), limits: {} } as unknown as GPUDevice
  const learngeneAdapterInfo = of(32, 32, matrices(16, 16, 16)) as unknown as GPUAdapterInfo
  expect(findUnit({ device })).toMatch(/it has none$/)
  expect(findUnit({ device, learngeneAdapterInfo })).toMatchObject({ name: 'f16 16x16x16' })
})
