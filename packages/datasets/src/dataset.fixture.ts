import type { Dataset, RawImage } from '@learngene/interfaces'
import { arrayDataset } from './array-dataset.js'

/** Images of 2 x 3 x 2 in which every value names its image, with the given labels, for this package's own tests. */
export const numberedDataset = (labels: readonly number[], classes: readonly string[] = ['a', 'b', 'c']): Dataset =>
  arrayDataset({
    name: 'numbered',
    imageShape: [2, 3, 2],
    classes,
    pixels: Uint8Array.from({ length: labels.length * 12 }, (_, i) => Math.floor(i / 12)),
    labels: Uint8Array.from(labels),
  })

/** Which images of the original a dataset made from a numbered one holds. */
export const numbers = (dataset: Dataset): number[] =>
  Array.from({ length: dataset.length }, (_, i) => {
    const pixels = (dataset.picture(i) as RawImage).data
    if (pixels.length !== 12 || pixels.some((value) => value !== pixels[0])) throw new Error(`image ${i} is a mixture`)
    return pixels[0]!
  })
