import type { Dataset } from '@learngene/interfaces'
import { listed } from './listed.js'
import { LOOK_ALIKES_HINT, tellApart } from './look-alikes.js'

/**
 * Makes sure that several splits count the same classes in the same order and have pictures of each, so that a label means the same in all of them.
 *
 * @param splits datasets by the names of the splits, as `{ training, validation }`; the first one's classes are the rule
 * @throws one line that tells all faults of all splits, with the names of the classes
 */
export const requireSameClasses = (splits: { readonly [split: string]: Dataset }): void => {
  const [first] = Object.entries(splits)
  if (!first) return
  const { classes } = first[1]
  const faults = Object.entries(splits).flatMap(([split, dataset]) => {
    const found = faultsOf(dataset, classes)
    return found.length === 0 ? [] : [`${split} (${dataset.name}): ${found.join(', ')}`]
  })
  if (faults.length > 0)
    throw new Error(`all splits must have the classes of ${first[0]}, in its order, with pictures of each; ${faults.join('; ')}`)
}

const faultsOf = (dataset: Dataset, classes: readonly string[]): readonly string[] => {
  const present = new Set(Array.from(dataset.labels, (label) => dataset.classes[label]))
  const [known, expected] = [new Set(dataset.classes), new Set(classes)]
  const { lacking, unknown, lookAlikes } = tellApart(
    classes.filter((name) => !known.has(name)),
    dataset.classes.filter((name) => !expected.has(name)),
  )
  const faults = {
    'lacks the classes': lacking,
    'has the unknown classes': unknown,
    [`has in another Unicode normalisation (${LOOK_ALIKES_HINT}) the classes`]: lookAlikes,
    'has no pictures of': classes.filter((name) => known.has(name) && !present.has(name)),
  }
  const found = Object.entries(faults).flatMap(([fault, names]) => (names.length > 0 ? [`${fault} ${listed(names)}`] : []))
  const differs = dataset.classes.findIndex((name, i) => name !== classes[i])
  if (found.length === 0 && differs >= 0)
    found.push(`has ${dataset.classes[differs]} as class ${differs} where it should be ${classes[differs]}`)
  return found
}
