import { getPrecision, type Precision, warnOfFullPrecision } from '../../precision.js'
import { adapterInfoOf, type MatrixConfig, type WebGPUBackend } from '../backend.js'
import type { Halves } from './halves.js'

/** A product of small matrices that a subgroup does at once: [m, k] [k, n] -> [m, n]. */
export interface MatrixShape {
  readonly m: number
  readonly n: number
  readonly k: number
}

/** WGSL of a subgroup's matrix operations on slices staged as `left_tile` [rows, pitch] and `right_tile` [columns, pitch], vectors of four values; offsets count vectors. */
export interface MatrixUnit extends MatrixShape, Halves {
  readonly name: string
  /** Threads that hold such a matrix together. */
  readonly subgroup: number
  readonly directives: string
  /** Attributes of the entry point. */
  readonly attributes: string
  /** An expression of a staged vector of `element` for a vec4f in float16's range, or infinite. */
  convert(values: string): string
  /** Functions that the expressions below call; `lane` is the thread's place in its subgroup. */
  code(pitch: number): string
  /** A result of zeros. */
  readonly zeros: string
  /** Factors from an offset on. */
  left(offset: string, pitch: number): string
  right(offset: string, pitch: number): string
  /** left right + sum */
  multiplyAdd(left: string, right: string, sum: string): string
  /** Writes a result to `patch` from an offset on, row by row. */
  store(result: string, offset: string): string
}

/** What Dawn calls all of it, in one place: these names are experimental and change. */
const NAMES = {
  features: { f16: 'shader-f16', matrices: 'chromium-experimental-subgroup-matrix', size: 'subgroup-size-control' },
  directives: {
    f16: 'enable f16;',
    size: 'enable subgroups;\nenable subgroup_size_control;',
    matrices: 'enable chromium_experimental_subgroup_matrix;\ndiagnostic(off, chromium.subgroup_matrix_uniformity);',
  },
} as const

/**
 * The matrix units of a device, through Dawn's experimental subgroup matrices, summed in float32.
 *
 * @param controlled whether the size of subgroups has to be asked for, as the device has several
 * @param element of the factors: float16, or float32 where the device multiplies no float16 with such sums, as Apple's; factors that are stored as float16 are read as they are then
 */
export function subgroupMatrices(
  { m, n, k }: MatrixShape,
  subgroup: number,
  { controlled = false, element = 'f16' }: { readonly controlled?: boolean; readonly element?: 'f16' | 'f32' } = {},
): MatrixUnit {
  const { f16, size, matrices } = NAMES.directives
  const isHalf = element === 'f16'
  return {
    name: `${element} ${m}x${n}x${k}${controlled ? ` of ${subgroup}` : ''}`,
    ...{ m, n, k, subgroup, element },
    directives: [...(isHalf ? [f16] : []), ...(controlled ? [size] : []), matrices].join('\n'),
    attributes: controlled ? `@subgroup_size(${subgroup})` : '',
    ...(isHalf
      ? {
          convert: (values) => `vec4h(${values})`,
          unpack: (pairs) => `bitcast<vec4h>(${pairs})`,
          pack: (values) => `bitcast<vec2u>(vec4h(${values}))`,
        }
      : inSingle),
    code: () => '',
    zeros: `subgroup_matrix_result<f32, ${n}, ${m}>()`,
    left: (offset, pitch) =>
      `subgroupMatrixLoad<subgroup_matrix_left<${element}, ${k}, ${m}>, row_major>(&left_tile, ${offset}, ${pitch}u)`,
    right: (offset, pitch) =>
      `subgroupMatrixLoad<subgroup_matrix_right<${element}, ${n}, ${k}>, col_major>(&right_tile, ${offset}, ${pitch}u)`,
    multiplyAdd: (left, right, sum) => `subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${sum})`,
    store: (result, offset) => `subgroupMatrixStore<row_major>(&patch_values, ${offset}, ${result}, ${n}u);`,
  }
}

/** Values as float32 beside pairs of float16, without the type that needs a feature. */
const inSingle: Pick<MatrixUnit, 'convert' | 'unpack' | 'pack'> = {
  convert: (values) => values,
  unpack: (pairs) => `vec4f(unpack2x16float(${pairs}.x), unpack2x16float(${pairs}.y))`,
  pack: (values) => `vec2u(pack2x16float(${values}.xy), pack2x16float(${values}.zw))`,
}

/**
 * The same operations in float32 for any device: a thread holds every so manieth value of a result. For tests of the arithmetic of tiles and indices where there are no matrix units.
 *
 * @param rounding whether values are rounded to float16 where they are staged
 */
export function emulatedMatrices({ m, n, k }: MatrixShape, subgroup: number, rounding = false): MatrixUnit {
  const held = Math.ceil((m * n) / subgroup)
  const each = (at: string) => `
  for (var i = 0u; i < ${held}u; i++) {
    let cell = lane + i * ${subgroup}u;
    if (cell < ${m * n}u) { ${at} }
  }`
  return {
    name: `emulated ${m}x${n}x${k} of ${subgroup}${rounding ? ', rounding' : ''}`,
    ...{ m, n, k, subgroup },
    directives: '',
    attributes: '',
    element: 'f32',
    ...inSingle,
    ...(rounding && { convert: (values: string) => `rounded(${values})` }),
    code: (
      pitch,
    ) => `${rounding ? '\nfn rounded(values: vec4f) -> vec4f { return vec4f(unpack2x16float(pack2x16float(values.xy)), unpack2x16float(pack2x16float(values.zw))); }' : ''}
fn multiply_add(left: u32, right: u32, sum: array<f32, ${held}>, lane: u32) -> array<f32, ${held}> {
  var result = sum;${each(`
      let row = left + cell / ${n}u * ${pitch}u;
      let column = right + cell % ${n}u * ${pitch}u;
      for (var k = 0u; k < ${k / 4}u; k++) { result[i] += dot(left_tile[row + k], right_tile[column + k]); }`)}
  return result;
}
fn store(values: array<f32, ${held}>, offset: u32, lane: u32) {
  var result = values;${each('patch_values[offset + cell] = result[i];')}
}`,
    zeros: `array<f32, ${held}>()`,
    left: (offset) => offset,
    right: (offset) => offset,
    multiplyAdd: (left, right, sum) => `multiply_add(${left}, ${right}, ${sum}, lane)`,
    store: (result, offset) => `store(${result}, ${offset}, lane);`,
  }
}

/** Those that compute mixed precision where there are no units: large matrices, so that there is little code to compile. */
export const roundingMatrices = (): MatrixUnit => emulatedMatrices({ m: 16, n: 32, k: 32 }, 32, true)

const units = new WeakMap<WebGPUBackend, MatrixUnit | string>()

/** The unit of a backend's device, or why there is none. */
export function unitOf(backend: WebGPUBackend): MatrixUnit | string {
  const unit = units.get(backend) ?? findUnit(backend)
  units.set(backend, unit)
  return unit
}

/** Has a backend use this unit in place of its device's; undefined takes that back. */
export function assumeUnit(backend: WebGPUBackend, unit: MatrixUnit | undefined): void {
  if (unit) units.set(backend, unit)
  else units.delete(backend)
}

/** The device's unit where mixed precision is asked for and it has one. */
export function matrixUnitOf(backend: WebGPUBackend, precision: Precision = getPrecision()): MatrixUnit | undefined {
  if (precision !== 'mixed') return undefined
  const unit = unitOf(backend)
  if (typeof unit !== 'string') return unit
  warnOfFullPrecision(unit)
  return undefined
}

/** Threads of a subgroup, by preference: all that the tiles are cut for. */
const SUBGROUPS = [32, 64, 16]

/** Bytes of workgroup memory in which there is room for slices of float32. */
const SINGLE_MEMORY = 32 * 1024

/** Edges that tiles divide by, and depths that slices divide by. */
const fitsTiles = ({ M, N, K }: MatrixConfig) => [M, N, K].every((size) => size === 8 || size === 16)

/**
 * The unit that a backend's device multiplies matrices by in mixed precision: of those of float16 that its adapter lists the largest, or else of those of float32; sums are float32 in either, since those of
 * float16 keep 11 bits of hundreds of products. It serves every product, as tiles are the same for all of them: each computes the same zeros at the edges, keeps the same limits and reads the same
 * values, the largest by the fewest instructions.
 *
 * @returns why there is none, if so
 */
export function findUnit(backend: Pick<WebGPUBackend, 'device' | 'learngeneAdapterInfo'>): MatrixUnit | string {
  const { features } = backend.device
  const { f16, matrices, size } = NAMES.features
  const missing = [f16, matrices].filter((feature) => !features.has(feature))
  if (missing.length > 0) return `the GPU device lacks ${missing.join(' and ')}`
  const { subgroupMinSize: least = 0, subgroupMaxSize: most = 0, subgroupMatrixConfigs = [] } = adapterInfoOf(backend)
  const controlled = least !== most
  if (controlled && !features.has(size)) {
    return `the GPU has subgroups of ${least} to ${most} threads, and the device lacks ${size} to choose among them`
  }
  const subgroup = SUBGROUPS.find((threads) => threads >= least && threads <= most)
  if (subgroup === undefined) return `the GPU has subgroups of ${least} to ${most} threads instead of ${SUBGROUPS.join(', ')}`
  const listed = [...subgroupMatrixConfigs]
  for (const element of ['f16', 'f32'] as const) {
    const [largest] = listed
      .filter((config) => config.componentType === element && config.resultComponentType === 'f32' && fitsTiles(config))
      .sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K)
    if (!largest) continue
    const { maxComputeWorkgroupStorageSize: memory } = backend.device.limits
    if (element === 'f32' && memory < SINGLE_MEMORY)
      return `slices of float32 take ${SINGLE_MEMORY} bytes of workgroup memory, and the GPU device has ${memory}`
    return subgroupMatrices({ m: largest.M, n: largest.N, k: largest.K }, subgroup, { controlled, element })
  }
  const has = listed.map(describeMatrix)
  return `the GPU has no subgroup matrices of float16 or float32 that are summed in float32, of edges 8 or 16; it has ${has.join(', ') || 'none'}`
}

export const describeMatrix = ({ M, N, K, componentType, resultComponentType }: MatrixConfig): string =>
  `${M}x${N}x${K} of ${componentType} in ${resultComponentType}`
