import type { Program } from '../dispatch.js'
import { epilogueCode, epilogueKey, epilogueStorage, finishCode } from './epilogue.js'
import { IN_RANGE4, LARGEST_FLOAT16 } from './halves.js'
import type { MatrixUnit } from './matrix-unit.js'
import { elementType, type Operand, operandKey, operandLoader, staging } from './operand.js'
import { type Product, partCode, SUMS, SUMS_UNIFORMS, sliceLoop, sumsCode } from './product.js'
import type { TileFamily, TileSize } from './tile.js'

/** A tile cut among 2 x 2 subgroups, each with a number of matrices. */
export interface MixedTile extends TileSize {
  /** Depth of a staged slice. */
  readonly slice: number
}

const ACROSS = 2
const SUBGROUPS = 4

/** The first and the last take at most 16 KiB of workgroup memory, all in all. The first was the fastest in whole models on an H200 and an H100; registers are estimates. */
export const MIXED_TILES: readonly MixedTile[] = [
  { rows: 64, columns: 64, slice: 32, efficiency: 1, registers: 128 },
  { rows: 64, columns: 128, slice: 32, efficiency: 0.85, registers: 168 },
  { rows: 128, columns: 64, slice: 32, efficiency: 0.8, registers: 168 },
  { rows: 128, columns: 128, slice: 32, efficiency: 0.8, registers: 255 },
  { rows: 32, columns: 64, slice: 32, efficiency: 0.6, registers: 96 },
]

/** The mixed tiles for a unit. */
export function mixedTiles(unit: MatrixUnit): TileFamily<MixedTile> {
  const element = unit.element === 'f16' ? 2 : 4
  return {
    name: unit.name,
    tiles: MIXED_TILES,
    needs: ({ rows, columns, slice }) => ({
      threads: SUBGROUPS * unit.subgroup,
      bytes: (rows + columns) * pitchOf(slice) * element + SUBGROUPS * unit.m * unit.n * 4 + rows * slice,
      accumulators: (rows * columns) / (SUBGROUPS * unit.subgroup),
    }),
  }
}

/** Eight values more than a slice has, so that rows of a matrix lie in different banks. */
const pitchOf = (slice: number) => slice + 8

/**
 * The product of `productProgram` by a unit for small matrices: slices are staged in the unit's precision, left times u.scale and the result divided by it, and
 * each subgroup multiplies the unit's matrices. Values beyond float16's range become its largest, so that one of them does not make everything infinite; of left
 * they become u.beyond, which may be infinite, so that they are seen. Sums of left over the depth are taken from the float32 values. A factor that is stored as float16 is staged as it is: left has been
 * multiplied by u.scale then.
 */
export function mixedProductProgram(product: Omit<Product, 'tile'>, tile: MixedTile, unit: MatrixUnit): Program {
  const { left, right, wide, epilogue, sums } = product
  const { rows, columns } = tile
  const { m, n, subgroup } = unit
  const matrixRows = rows / (SUBGROUPS / ACROSS) / m
  const matrixColumns = columns / ACROSS / n
  const pitch = pitchOf(tile.slice) / 4
  const [stagedLeft, stagedRight] = [
    stagedFor(unit, left, rows, tile.slice, pitch, (values) => `${values} * u.scale, u.beyond`),
    stagedFor(unit, right, columns, tile.slice, pitch, (values) => `${values}, ${LARGEST_FLOAT16}.0`),
  ]
  const cells = range(matrixRows).flatMap((i) => range(matrixColumns).map((j) => ({ i, j, name: `c${i}${j}` })))
  const depths = range(tile.slice / unit.k).map((step) => step * unit.k)
  const column = (block: string, c: number) => (left.half ? `vec4f(${block}[${c}])` : `${block}[${c}]`)
  const sum = (block: string) =>
    range(4)
      .map((c) => column(block, c))
      .join(' + ')
  const multiply = depths
    .flatMap((depth) => [
      '{',
      ...range(matrixRows).map((i) => `let a${i} = ${unit.left(`(row + ${i * m}u) * ${pitch}u + ${depth / 4}u`, pitch)};`),
      ...range(matrixColumns).map((j) => `let b${j} = ${unit.right(`(column + ${j * n}u) * ${pitch}u + ${depth / 4}u`, pitch)};`),
      ...cells.map(({ i, j, name }) => `${name} = ${unit.multiplyAdd(`a${i}`, `b${j}`, name)};`),
      '}',
    ])
    .join('\n      ')
  const code = `
${operandLoader(left, 'u.rows')}
${operandLoader(right, 'u.columns')}
${epilogueCode(epilogue, wide)}
var<workgroup> left_tile: array<vec4<${unit.element}>, ${rows * pitch}>;
var<workgroup> right_tile: array<vec4<${unit.element}>, ${columns * pitch}>;
var<workgroup> patch_values: array<f32, ${SUBGROUPS * m * n}>;
${sums ? `var<workgroup> sum_tile: array<vec4f, ${stagedLeft.blocks}>;` : ''}
${unit.code(pitch)}
${IN_RANGE4}
${unit.attributes && `${unit.attributes}\n`}fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let first_row = group.y * ${rows}u;
  let first_column = group.x * ${columns}u;
  // Neighbouring threads are a subgroup.
  let subgroup = local / ${subgroup}u;
  let lane = local % ${subgroup}u;
  let row = subgroup / ${ACROSS}u * ${matrixRows * m}u;
  let column = subgroup % ${ACROSS}u * ${matrixColumns * n}u;
  let patch_start = subgroup * ${m * n}u;
  ${partCode(sums)}
  ${cells.map(({ name }) => `var ${name} = ${unit.zeros};`).join(' ')}
  ${sliceLoop([stagedLeft, stagedRight], { slice: tile.slice, multiply, sum: sums ? sum : undefined })}
  ${cells
    .map(
      ({ i, j, name }) => `workgroupBarrier();
  ${unit.store(name, 'patch_start')}
  workgroupBarrier();
  finish_patch(first_row + row + ${i * m}u, first_column + column + ${j * n}u, offset, patch_start, lane);`,
    )
    .join('\n  ')}
  ${sums ? sumsCode(stagedLeft, rows, tile.slice, 'sum_tile', (sum) => (left.half ? `(${sum}) / u.scale` : sum)) : ''}
}
fn finish_patch(row: u32, column: u32, offset: u32, start: u32, lane: u32) {
  for (var at = 4u * lane; at < ${m * n}u; at += ${4 * subgroup}u) {
    let first = start + at;
    let value = vec4f(patch_values[first], patch_values[first + 1u], patch_values[first + 2u], patch_values[first + 3u]);
    ${finishCode(epilogue, [{ row: `row + at / ${n}u`, column: `column + at % ${n}u`, value: 'value / u.scale' }])}
  }
}
${sums ? SUMS : ''}`
  return {
    key: `learngene ${unit.name} product ${operandKey(left)} ${operandKey(right)} ${rows}x${columns} ${wide ? 4 : 1} ${epilogueKey(epilogue)} ${sums}`,
    storage: {
      left: { type: elementType(left.wide, left.half) },
      right: { type: elementType(right.wide, right.half) },
      ...epilogueStorage(epilogue, wide),
      ...(sums && { sums: { type: 'array<f32>', write: true } }),
    },
    uniforms: {
      ...({ rows: 'u32', columns: 'u32', depth: 'u32', scale: 'f32', beyond: 'f32' } as const),
      ...(sums && SUMS_UNIFORMS),
    },
    workgroupSize: [SUBGROUPS * subgroup, 1, 1],
    directives: unit.directives,
    code,
  }
}

/** A slice in workgroup memory as [outer, pitch] vectors of the unit's precision. */
function stagedFor(unit: MatrixUnit, operand: Operand, outer: number, depth: number, pitch: number, ranged: (values: string) => string) {
  const write = (block: string, outer: string, depth: string) =>
    range(4)
      .map((i) => {
        const values = range(4).map((c) => `${block}[${c}][${i}]`)
        const given = `vec4<${operand.half ? unit.element : 'f32'}>(${values.join(', ')})`
        const value = operand.half ? given : unit.convert(`in_range4(${ranged(given)})`)
        return `${operand.name}_tile[(${outer} + ${i}u) * ${pitch}u + ${depth} / 4u] = ${value};`
      })
      .join(' ')
  const first = operand.name === 'left' ? 'first_row' : 'first_column'
  return staging(operand, { outer, depth, threads: SUBGROUPS * unit.subgroup, first, write })
}

const range = (length: number) => Array.from({ length }, (_, i) => i)
