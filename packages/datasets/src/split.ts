import type { Dataset, Rng } from '@learngene/interfaces'
import { checkedCount, range } from './indices.js'
import { subset } from './subset.js'

/** How many pictures to hold out: a share of all, above 0 and below 1, or their number. */
export type HeldOut = { readonly share: number } | { readonly count: number }

/**
 * Holds out random pictures, of each class its share: [held out, rest]. Every class keeps at least 1 picture on both sides; a class of a single picture keeps it in the rest.
 * Where nothing is labelled, any pictures. Both keep the dataset's order, together they hold every picture once, and the same seed holds out the same pictures.
 * Throws when that cannot be done with as many pictures as asked for; a share is moved to the nearest number with which it can.
 */
export const split = (dataset: Dataset, amount: HeldOut, rng: Rng): [heldOut: Dataset, rest: Dataset] => {
  const isAmount = typeof amount === 'object' && amount !== null && 'share' in amount !== 'count' in amount
  if (!isAmount)
    throw new Error(`split needs { share } or { count } of the images to hold out, got ${JSON.stringify(amount) ?? String(amount)}`)
  if (typeof rng?.permutation !== 'function') throw new Error('split needs a generator: split(dataset, { share }, createRng(seed))')
  const members = membersOf(dataset)
  const bounds = members.map(({ length }) => (length > 1 ? { least: 1, most: length - 1 } : { least: 0, most: 0 }))
  const [least, most] = [sum(bounds.map((bound) => bound.least)), sum(bounds.map((bound) => bound.most))]
  if (least === 0) throw new RangeError(`${dataset.name}: a split needs at least 2 images, of a class where they are labelled, got none`)
  const count = 'share' in amount ? Math.min(most, Math.max(least, countOf(dataset, amount.share))) : checkedCount('count', amount.count)
  if (count < least || count > most)
    throw new RangeError(
      `${dataset.name}: with at least 1 image of each class on both sides, from ${least} to ${most} of ${dataset.length} images can be held out, got count ${count}`,
    )
  const wanted = members.map(({ length }) => (count * length) / dataset.length)
  const taken = wanted.map((exact, c) => Math.min(bounds[c]!.most, Math.max(bounds[c]!.least, Math.floor(exact))))
  for (let missing = count - sum(taken); missing !== 0; missing = count - sum(taken)) {
    const step = Math.sign(missing)
    const movable = [...taken.keys()].filter((c) => (step > 0 ? taken[c]! < bounds[c]!.most : taken[c]! > bounds[c]!.least))
    movable.sort((a, b) => step * (wanted[b]! - taken[b]! - (wanted[a]! - taken[a]!)))
    for (const c of movable.slice(0, Math.abs(missing))) taken[c]! += step
  }
  return holdOut(dataset, members, taken, rng)
}

/**
 * Holds out `count` random pictures with the same number of each class, whatever their shares: [held out, rest], otherwise as {@link split}; may hold out a whole class.
 * Throws when `count` is not a multiple of the number of classes or a class has too few pictures.
 */
export const splitBalanced = (dataset: Dataset, count: number, rng: Rng): [heldOut: Dataset, rest: Dataset] => {
  const classes = dataset.classes.length
  if (classes === 0) throw new Error(`${dataset.name}: a balanced split needs classes, got none; use split(dataset, { count }, rng)`)
  const each = checkedCount('count', count) / classes
  if (!Number.isInteger(each))
    throw new RangeError(
      `count must be a multiple of the number of classes, ${classes}, to hold out as many of each, got ${count}; use ${Math.ceil(each) * classes}`,
    )
  const members = membersOf(dataset)
  members.forEach(({ length }, label) => {
    if (length < each)
      throw new RangeError(
        `${dataset.name}: holding out ${count} images takes ${each} of each class, but class ${label} (${dataset.classes[label]}) has ${length}; hold out fewer`,
      )
  })
  return holdOut(
    dataset,
    members,
    members.map(() => each),
    rng,
  )
}

const countOf = (dataset: Dataset, share: number): number => {
  if (!(share > 0 && share < 1))
    throw new RangeError(`share must be above 0 and below 1, got ${share}; to hold out a number of images give count`)
  return Math.round(share * dataset.length)
}

/** The pictures of each class; all as one where there are no classes. */
const membersOf = (dataset: Dataset): readonly number[][] => {
  const members: number[][] = dataset.classes.length === 0 ? [[]] : dataset.classes.map(() => [])
  for (let i = 0; i < dataset.length; i++) members[dataset.classes.length === 0 ? 0 : dataset.labels[i]!]!.push(i)
  return members
}

const holdOut = (dataset: Dataset, members: readonly number[][], taken: readonly number[], rng: Rng): [Dataset, Dataset] => {
  const isHeldOut = new Uint8Array(dataset.length)
  members.forEach((images, c) => {
    for (const position of rng.permutation(images.length).subarray(0, taken[c])) isHeldOut[images[position]!] = 1
  })
  const part = (held: number) =>
    subset(
      dataset,
      range(dataset.length).filter((i) => isHeldOut[i] === held),
    )
  return [part(1), part(0)]
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
