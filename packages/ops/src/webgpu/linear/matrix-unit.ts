import { getPrecision, warnOfFullPrecision } from '../../precision.js'
import type { WebGPUBackend } from '../backend.js'

/** Edge of the matrices that a subgroup multiplies at once. */
export const EDGE = 16

/** Threads that hold such a matrix together. */
export const SUBGROUP = 32

/** WGSL of a subgroup's matrix operations on slices staged as `left_tile` [rows, pitch] and `right_tile` [columns, pitch]. */
export interface MatrixUnit {
  readonly name: string
  readonly directives: string
  /** Type of the staged values, and an expression of it for a value of type f32. */
  readonly element: string
  convert(value: string): string
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

/** The tensor cores of the device, through Dawn's experimental subgroup matrices. */
export const subgroupMatrices: MatrixUnit = {
  name: 'f16',
  directives: `enable f16;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);`,
  element: 'f16',
  // Saturates, so that one large value does not make everything infinite.
  convert: (value) => `f16(clamp(${value}, -65504.0, 65504.0))`,
  code: () => '',
  zeros: 'subgroup_matrix_result<f32, 16, 16>()',
  left: (offset, pitch) => `subgroupMatrixLoad<subgroup_matrix_left<f16, 16, 16>>(&left_tile, ${offset}, false, ${pitch}u)`,
  right: (offset, pitch) => `subgroupMatrixLoad<subgroup_matrix_right<f16, 16, 16>>(&right_tile, ${offset}, true, ${pitch}u)`,
  multiplyAdd: (left, right, sum) => `subgroupMatrixMultiplyAccumulate(${left}, ${right}, ${sum})`,
  store: (result, offset) => `subgroupMatrixStore(&patch_values, ${offset}, ${result}, false, 16u);`,
}

/**
 * The same operations in float32 for any device: a thread holds eight values of a result, two groups of four neighbours. For tests of the arithmetic of tiles
 * and indices where there are no tensor cores.
 */
export const emulatedMatrices: MatrixUnit = {
  name: 'emulated',
  directives: '',
  element: 'f32',
  convert: (value) => value,
  code: (pitch) => `
fn multiply_add(left: u32, right: u32, sum: mat2x4f, lane: u32) -> mat2x4f {
  var result = sum;
  for (var k = 0u; k < 16u; k++) {
    let at = right + 4u * (lane % 4u) * ${pitch}u + k;
    let row = vec4f(right_tile[at], right_tile[at + ${pitch}u], right_tile[at + ${2 * pitch}u], right_tile[at + ${3 * pitch}u]);
    result[0] += left_tile[left + (lane / 4u) * ${pitch}u + k] * row;
    result[1] += left_tile[left + (lane / 4u + 8u) * ${pitch}u + k] * row;
  }
  return result;
}
fn store(result: mat2x4f, offset: u32, lane: u32) {
  for (var i = 0u; i < 4u; i++) {
    patch_values[offset + 4u * lane + i] = result[0][i];
    patch_values[offset + 128u + 4u * lane + i] = result[1][i];
  }
}`,
  zeros: 'mat2x4f()',
  left: (offset) => offset,
  right: (offset) => offset,
  multiplyAdd: (left, right, sum) => `multiply_add(${left}, ${right}, ${sum}, lane)`,
  store: (result, offset) => `store(${result}, ${offset}, lane);`,
}

const FEATURES = ['shader-f16', 'chromium-experimental-subgroup-matrix']

const units = new WeakMap<WebGPUBackend, MatrixUnit | null>()

/** The device's unit where mixed precision is asked for and it has one. */
export function matrixUnitOf(backend: WebGPUBackend): MatrixUnit | undefined {
  if (getPrecision() !== 'mixed') return undefined
  let unit = units.get(backend)
  if (unit === undefined) {
    const missing = lacks(backend.device)
    if (missing) warnOfFullPrecision(missing)
    unit = missing ? null : subgroupMatrices
    units.set(backend, unit)
  }
  return unit ?? undefined
}

/** Why a device cannot multiply float16 matrices, if so. */
export function lacks({ features, adapterInfo }: Pick<GPUDevice, 'features' | 'adapterInfo'>): string | undefined {
  const missing = FEATURES.filter((feature) => !features.has(feature))
  if (missing.length > 0) return `the GPU device lacks ${missing.join(' and ')}`
  const {
    subgroupMinSize,
    subgroupMaxSize,
    subgroupMatrixConfigs = [],
  } = adapterInfo as GPUAdapterInfo & {
    readonly subgroupMatrixConfigs?: Iterable<MatrixConfig>
  }
  if (subgroupMinSize !== SUBGROUP || subgroupMaxSize !== SUBGROUP) {
    return `the GPU has subgroups of ${subgroupMinSize} to ${subgroupMaxSize} threads instead of ${SUBGROUP}`
  }
  const fits = ({ componentType, resultComponentType, M, N, K }: MatrixConfig) =>
    componentType === 'f16' && resultComponentType === 'f32' && M === EDGE && N === EDGE && K === EDGE
  return [...subgroupMatrixConfigs].some(fits)
    ? undefined
    : `the GPU has no subgroup matrices of float16, ${EDGE} x ${EDGE}, summed in float32`
}

interface MatrixConfig {
  readonly componentType: string
  readonly resultComponentType: string
  readonly M: number
  readonly N: number
  readonly K: number
}
