import type { Dataset, Preprocessing, RawImage } from '@learngene/interfaces'
import type { AugmentationSteps } from './augment/augment.js'
import { drawsFrom, type Seed } from './augment/draws.js'
import type { Normalisation } from './normalise.js'
import type { DatasetElsewhere } from './off-thread/pool.js'
import { framing } from './off-thread/prepare.js'

/** A picture framed and changed, by its index and the seed of the change. Those at hand come at once. */
export type PreparedPictures = (index: number, seed: Seed | undefined, signal?: AbortSignal) => RawImage | Promise<RawImage>

/**
 * Prepares the pictures of a dataset: on other threads where it says how they can be read there, else on the one that calls. What augmentation begins with is kept of pictures
 * that take time as long as there is room. What is kept first stays: in shuffled epochs each is as likely to be asked for.
 *
 * @param limit bytes that may be kept
 */
export const preparedPictures = (
  dataset: Dataset,
  preparation: Normalisation | Preprocessing,
  { picture: augment, change }: AugmentationSteps,
  limit: number,
): PreparedPictures => {
  const frame = framing(preparation, augment)
  const { elsewhere } = dataset as DatasetElsewhere
  const kept = new Map<number, RawImage>()
  let bytes = 0
  const keep = (index: number, framed: RawImage): void => {
    if (kept.has(index) || bytes + framed.data.byteLength > limit) return
    kept.set(index, framed)
    bytes += framed.data.byteLength
  }
  const changed = (index: number, framed: RawImage, seed: Seed | undefined): RawImage =>
    change && seed ? naming(dataset, index, () => change(framed, drawsFrom(seed))) : framed

  const prepareHere = (index: number, seed: Seed | undefined, signal?: AbortSignal): RawImage | Promise<RawImage> => {
    const prepare = (image: RawImage, tookTime: boolean): RawImage => {
      const framed = naming(dataset, index, () => frame(image))
      if (tookTime || framed !== image) keep(index, framed)
      return changed(index, framed, seed)
    }
    const known = kept.get(index)
    if (known) return changed(index, known, seed)
    const found = dataset.picture(index, signal)
    return 'then' in found ? found.then((image) => prepare(image, true)) : prepare(found, false)
  }
  if (!elsewhere) return prepareHere

  const prepareElsewhere = async (index: number, seed: Seed | undefined, signal?: AbortSignal): Promise<RawImage> => {
    const known = kept.get(index)
    const from = known ? { framed: known } : await elsewhere.place(index, signal)
    try {
      const { framed, image } = await elsewhere.pool.run({ from, preparation, augment, seed }, signal)
      keep(index, framed)
      return image
    } catch (error) {
      signal?.throwIfAborted()
      throw named(dataset, index, error)
    }
  }
  return (index, seed, signal) => (!seed && kept.get(index)) || prepareElsewhere(index, seed, signal)
}

/** What fails for a picture, told with its name. */
export const naming = <T>(dataset: Dataset, index: number, work: () => T): T => {
  try {
    return work()
  } catch (error) {
    throw named(dataset, index, error)
  }
}

const named = (dataset: Dataset, index: number, error: unknown): unknown => {
  const [name, { message }] = [dataset.nameOf(index), error as Error]
  return message.includes(name) ? error : new Error(`${name}: ${message}`, { cause: error })
}
