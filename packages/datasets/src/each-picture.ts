import type { Dataset, RawImage } from '@learngene/interfaces'

export interface EachOptions {
  /** How many may be under way at once. Default 8: more than sharp has threads, few enough that large photographs fit into memory. */
  readonly concurrency?: number
  readonly signal?: AbortSignal
}

/** Calls `work` for 0 .. count-1, waiting only for those that take time. What fails first ends the rest and is thrown. */
export const eachInParallel = async (
  count: number,
  work: (position: number) => void | Promise<void>,
  { concurrency = 8, signal }: EachOptions = {},
): Promise<void> => {
  let next = 0
  const takeTurns = async () => {
    try {
      while (next < count) {
        signal?.throwIfAborted()
        const pending = work(next++)
        if (pending) await pending
      }
    } catch (error) {
      next = count
      throw error
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, takeTurns))
  signal?.throwIfAborted()
}

/** Reads the named pictures and hands each to `use` with its position among the indices, in whatever order they come. */
export const eachPicture = (
  dataset: Pick<Dataset, 'picture'>,
  indices: ArrayLike<number>,
  use: (image: RawImage, position: number) => void,
  options: EachOptions = {},
): Promise<void> =>
  eachInParallel(
    indices.length,
    (position) => {
      const found = dataset.picture(indices[position]!, options.signal)
      return 'then' in found ? found.then((image) => use(image, position)) : use(found, position)
    },
    options,
  )
