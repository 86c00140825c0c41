import { pareto } from '@learngene/budget-search'
import { accuracies, descendantsOf, storedParameters } from '@learngene/learngene-pool'
import { costOfPath, formatPath } from '@learngene/stitch'
import { costOf, countParameters, parametersOf } from '@learngene/vit-blocks'

const EVALUATION_BATCH = 50

/** What a family stores and the smallest of its descendants. */
export function sizeOfFamily(family) {
  const costs = [...family.space.enumerate()].map((path) => costOfPath(family, path))
  const { macs, parameters } = costs.reduce((least, cost) => (cost.macs < least.macs ? cost : least))
  return { stored: storedParameters(family), models: costs.length, smallest: { macs, parameters } }
}

export function sizeOfNetwork(network) {
  const { macs, parameters } = costOf(network)
  return { stored: countParameters(parametersOf(network)), models: 1, smallest: { macs, parameters } }
}

/** Accuracies of all descendants of a family. */
export function measureFamily(family, context) {
  const paths = [...family.space.enumerate()]
  const models = paths.map((path) => ({ model: formatPath(path.path), stitched: path.stitches.length > 0, ...costOfPath(family, path) }))
  return measure(models, descendantsOf(family, paths), context)
}

export function measureNetwork(network, model, context) {
  return measure([{ model, stitched: false, ...costOf(network) }], [network], context)
}

/** The Pareto front and the best model under each budget are chosen on validation images; what they report are test accuracies. */
async function measure(models, networks, { images, group, budgets }) {
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
    front: pareto(
      rows.map((row) => ({ value: row, key: row.model, measures: { macs: row.macs }, score: row.validation })),
      { cost: 'macs' },
    ).map(({ key }) => key),
    atBudgets: budgets.map((cap) => bestWithin(rows, cap)),
  }
}

/** The test accuracy of the model within the cap that does best on validation images; null where none is so small. */
function bestWithin(rows, cap) {
  const fitting = rows.filter(({ macs }) => macs <= cap)
  if (fitting.length === 0) return null
  const best = fitting.reduce((best, row) => (row.validation > best.validation ? row : best))
  return { model: best.model, macs: best.macs, test: best.test }
}
