/**
 * `f32`: all in float32. `mixed`: matrix products of float16 factors, summed in float32, on the units that the device has for them; all else in float32, but for what an operation stores between its
 * own products to be their factors.
 */
export type Precision = 'f32' | 'mixed'

export interface PrecisionOptions {
  /**
   * Gradients come with a scale of the loss that falls where they overflow (Micikevicius et al. 2018, arXiv 1710.03740): one beyond float16's range then becomes infinite, to be seen. Default
   * false: gradients are lifted by a power of two of ours in each product, and saturate.
   */
  readonly lossScaled?: boolean
}

let precision: Precision = 'f32'
let lossScaled = false

/** Reasons that were told since `mixed` was chosen. */
const said = new Set<string>()

/**
 * Chooses the precision of the linear maps that start from now on, where the backend has a choice: `mixed` needs webgpu on a device with float16 and subgroup
 * matrices. Everywhere else all stays in float32, and a warning says so once each time that `mixed` is chosen.
 */
export function setPrecision(next: Precision, options: PrecisionOptions = {}): void {
  if (next !== 'f32' && next !== 'mixed') {
    throw new Error(`setPrecision takes 'f32' or 'mixed', got '${String(next)}'`)
  }
  if (next === 'mixed' && precision !== next) said.clear()
  precision = next
  lossScaled = options.lossScaled ?? false
}

export function getPrecision(): Precision {
  return precision
}

/** Whether gradients beyond float16's range are to be infinite. */
export const isLossScaled = (): boolean => lossScaled

/** Says once per reason that `mixed` was asked for in vain. */
export function warnOfFullPrecision(reason: string): void {
  if (said.has(reason)) return
  said.add(reason)
  console.warn(`precision 'mixed' is not available: ${reason}; matrix products stay in float32`)
}
