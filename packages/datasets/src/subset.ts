import type { Dataset } from '@learngene/interfaces'
import { once, sha256OfJson, sha256OfNumbers } from './fingerprint.js'
import { checkedIndex } from './indices.js'
import type { DatasetElsewhere } from './off-thread/pool.js'

/**
 * The named pictures of a dataset as a dataset of their own, in the given order; a view, no pixels are copied. Indices may repeat.
 * Throws a RangeError when an index does not name a picture.
 */
export const subset = (dataset: DatasetElsewhere, indices: ArrayLike<number>): Dataset => {
  const chosen = Uint32Array.from(indices, (index) => checkedIndex(dataset.name, index, dataset.length))
  const outer = (inner: number) => chosen[checkedIndex(dataset.name, inner, chosen.length)]!
  const { elsewhere } = dataset
  const view: DatasetElsewhere = {
    name: dataset.name,
    length: chosen.length,
    classes: dataset.classes,
    labels: dataset.classes.length === 0 ? [] : Uint32Array.from(chosen, (index) => dataset.labels[index]!),
    picture: (inner, signal) => dataset.picture(outer(inner), signal),
    nameOf: (inner) => dataset.nameOf(outer(inner)),
    fingerprint: once(async () => sha256OfJson([await dataset.fingerprint(), await sha256OfNumbers(chosen)])),
    ...(elsewhere && {
      elsewhere: { pool: elsewhere.pool, place: (inner: number, signal?: AbortSignal) => elsewhere.place(outer(inner), signal) },
    }),
  }
  return view
}
