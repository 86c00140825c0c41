import type { Dataset, Rng } from '@learngene/interfaces'
import { checkedCount, range } from './indices.js'
import { subset } from './subset.js'

/**
 * Holds out `count` random images with the same number of each class: [held out, rest]. Both keep the dataset's order, together
 * they hold every image once, and the same seed holds out the same images.
 * Throws when `count` is not a multiple of the number of classes or a class has too few images.
 */
export const splitBalanced = (dataset: Dataset, count: number, rng: Rng): [heldOut: Dataset, rest: Dataset] => {
  const classes = dataset.classes.length
  const each = checkedCount('count', count) / classes
  if (!Number.isInteger(each))
    throw new RangeError(
      `count must be a multiple of the number of classes, ${classes}, to hold out as many of each, got ${count}; use ${Math.ceil(each) * classes}`,
    )
  const members: number[][] = dataset.classes.map(() => [])
  for (let i = 0; i < dataset.length; i++) members[dataset.labels[i]!]!.push(i)

  const isHeldOut = new Uint8Array(dataset.length)
  members.forEach((images, label) => {
    if (images.length < each)
      throw new RangeError(
        `${dataset.name}: holding out ${count} images takes ${each} of each class, but class ${label} (${dataset.classes[label]}) has ${images.length}; hold out fewer`,
      )
    for (const position of rng.permutation(images.length).subarray(0, each)) isHeldOut[images[position]!] = 1
  })
  const all = range(dataset.length)
  return [
    subset(
      dataset,
      all.filter((i) => isHeldOut[i] === 1),
    ),
    subset(
      dataset,
      all.filter((i) => isHeldOut[i] === 0),
    ),
  ]
}
