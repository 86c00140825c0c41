import { accuracies, descendantsOf, storedParameters } from '@learngene/learngene-pool'
import { costOfPath, formatPath } from '@learngene/stitch'
import { costOf } from '@learngene/vit-blocks'

const EVALUATION_BATCH = 50

/** What a stitched family stores, and how many models it is. */
export const sizeOfFamily = (family) => ({ stored: storedParameters(family), models: [...family.space.enumerate()].length })

/** Accuracies of all descendants of a stitched family. */
export function measureFamily(family, context) {
  const paths = [...family.space.enumerate()]
  const models = paths.map((path) => ({ model: formatPath(path.path), stitched: path.stitches.length > 0, ...costOfPath(family, path) }))
  return measure(models, descendantsOf(family, paths), context)
}

/** Accuracies of models that are not stitched. */
export function measureNetworks(named, context) {
  const models = named.map(({ model, network }) => ({ model, stitched: false, ...costOf(network) }))
  return measure(models, named.map(({ network }) => network), context) // biome-ignore format: short
}

/** The best model under each budget, and within the MACs of each single model, is chosen on validation images; what they report are test accuracies. */
async function measure(models, networks, { images, group, config, sizes }) {
  const validation = await accuracies(networks, images.validation, { batchSize: EVALUATION_BATCH, group })
  const test = await accuracies(networks, images.test, { batchSize: EVALUATION_BATCH, group })
  const rows = models.map(({ model, stitched, macs, parameters }, i) => ({
    model,
    stitched,
    macs,
    parameters,
    validation: validation[i],
    test: test[i],
  }))
  const stitched = rows.filter((row) => row.stitched)
  return {
    models: rows,
    stitchedMean: stitched.length > 0 ? stitched.reduce((sum, row) => sum + row.test, 0) / stitched.length : null,
    atBudgets: config.budgets.map((cap) => bestWithin(rows, cap)),
    atSizes: sizes.map(({ macs }) => bestWithin(rows, macs)),
  }
}

/** The test accuracy of the model within the cap that does best on validation images; null where none is so small. */
function bestWithin(rows, cap) {
  const fitting = rows.filter(({ macs }) => macs <= cap)
  if (fitting.length === 0) return null
  const best = fitting.reduce((best, row) => (row.validation > best.validation ? row : best))
  return { model: best.model, macs: best.macs, test: best.test }
}
