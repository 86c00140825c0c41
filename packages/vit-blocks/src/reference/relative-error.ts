/** ||a - b|| / ||b|| over all elements, in float64; infinite where it is not a number or the lengths differ, 0 where both are zero. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let difference = 0
  let norm = 0
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2
    norm += b[i]! ** 2
  }
  if (difference === 0) return 0
  const error = Math.sqrt(difference / norm)
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
}

/**
 * The values of a parameter or gradient that can be compared: all, but of a bias of queries, keys and values only the queries' and values' thirds.
 * Softmax ignores a shift by the keys' bias, so its gradient is zero but for rounding, which AdamW blows up to steps of full size.
 */
export function withoutKeyBias<T extends Float32Array | Float64Array>(name: string, values: T): T {
  if (!name.endsWith('attn.qkv.bias')) return values
  const width = values.length / 3
  return values.filter((_, i) => i < width || i >= 2 * width) as T
}

/** The largest |a - b| / bound of a component; infinite where something is not a number or the lengths differ. */
export function boundedError(a: ArrayLike<number>, b: ArrayLike<number>, bounds: ArrayLike<number>): number {
  if (a.length !== b.length || bounds.length !== b.length) return Number.POSITIVE_INFINITY
  let largest = 0
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    const error = difference === 0 ? 0 : difference / bounds[i]!
    if (!(error <= largest)) largest = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
  }
  return largest
}
