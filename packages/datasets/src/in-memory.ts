import type { Dataset, RawImage, Reporter } from '@learngene/interfaces'
import { type EachOptions, eachPicture } from './each-picture.js'
import { checkedIndex, range } from './indices.js'

export interface ReadAllOptions extends EachOptions {
  /** Told how many pictures of how many are read. */
  readonly report?: Reporter
}

/**
 * A dataset with all pictures decoded, at hand from then on; otherwise the same, its fingerprint included. Takes height x width x channels bytes for each picture,
 * in the size in which it is stored: for large photographs a source's `memoryLimit` keeps less.
 *
 * @throws as reading a picture does, and where the signal aborts
 */
export const inMemory = async (dataset: Dataset, options: ReadAllOptions = {}): Promise<Dataset> => {
  const pictures: RawImage[] = new Array(dataset.length)
  let done = 0
  const keep = (image: RawImage, index: number) => {
    pictures[index] = image
    options.report?.({ kind: 'progress', done: ++done, total: dataset.length })
  }
  await eachPicture(dataset, range(dataset.length), keep, options)
  const { name, length, classes, labels, nameOf, fingerprint } = dataset
  return { name, length, classes, labels, nameOf, fingerprint, picture: (index) => pictures[checkedIndex(name, index, length)]! }
}
