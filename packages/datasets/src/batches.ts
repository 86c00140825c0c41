import type { Rng } from '@learngene/interfaces'
import { checkedCount, range } from './indices.js'

export interface BatchOptions {
  /** Shuffles the epoch; without it the images come in order. */
  readonly rng?: Rng
  /** Leaves out the last batch where it would be short. Default false. */
  readonly dropLast?: boolean
}

/**
 * The indices of one epoch over `length` images, batch by batch. Every image comes once, but for those of a dropped last batch.
 * Throws when a number is not a positive integer or when dropping the short batch would leave none. The shuffle is drawn at the call.
 */
export const batches = (length: number, batchSize: number, { rng, dropLast = false }: BatchOptions = {}): Generator<Uint32Array, void> => {
  checkedCount('length', length)
  checkedCount('batchSize', batchSize)
  if (dropLast && length < batchSize)
    throw new RangeError(
      `dropLast needs at least one full batch: ${length} images make none of ${batchSize}; lower batchSize or keep the short batch`,
    )
  const order = rng ? rng.permutation(length) : range(length)
  return slices(order, batchSize, dropLast ? length - (length % batchSize) : length)
}

function* slices(order: Uint32Array, size: number, end: number): Generator<Uint32Array, void> {
  for (let start = 0; start < end; start += size) yield order.slice(start, Math.min(start + size, end))
}
