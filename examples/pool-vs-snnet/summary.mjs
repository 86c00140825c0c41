/** Mean and sample standard deviation; null where there is nothing to average. */
function spread(values) {
  const known = values.filter((value) => value !== null)
  if (known.length < values.length || known.length === 0) return null
  const mean = meanOf(known)
  const deviation = known.length > 1 ? Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1)) : 0
  return { mean, deviation }
}

/** The rows of all seeds, one per family: sizes, and mean and spread of what was measured. */
export function summarise(runs) {
  const testOf = (ofSeeds, key) => ofSeeds[0][key].map((_, i) => spread(ofSeeds.map((measured) => measured[key][i]?.test ?? null)))
  const measured = (ofSeeds) =>
    ofSeeds.includes(null)
      ? null
      : {
          stitchedMean: spread(ofSeeds.map(({ stitchedMean }) => stitchedMean)),
          atBudgets: testOf(ofSeeds, 'atBudgets'),
          atSizes: testOf(ofSeeds, 'atSizes'),
          models: ofSeeds[0].models.map(({ model, macs, parameters }, i) => ({
            model,
            macs,
            parameters,
            test: spread(ofSeeds.map(({ models }) => models[i].test)),
          })),
        }
  return runs[0].rows.map(({ name, stored, models, steps, stepsEach }, i) => {
    const ofSeeds = runs.map(({ rows }) => rows[i])
    const [before, after] = [measured(ofSeeds.map(({ before }) => before)), measured(ofSeeds.map(({ after }) => after))]
    return { name, stored, models, steps, stepsEach, before, after }
  })
}

/**
 * By how much each trained family stays behind the single models, in points of mean test accuracy: its best model within the MACs of each, which validation images choose, and
 * in the mean also its own model of just that size, where nothing is chosen.
 */
export function gapsToSingle(summary) {
  const single = summary.find(({ stepsEach }) => stepsEach)
  if (!single) return []
  const behind = (values) => single.after.models.map(({ test }, i) => 100 * (test.mean - values[i]))
  return summary
    .filter(({ after, stepsEach }) => after && !stepsEach)
    .map(({ name, after: { atSizes, models } }) => {
      const gaps = behind(atSizes.map(({ mean }) => mean))
      const own = behind(single.after.models.map(({ macs }) => models.find((model) => model.macs === macs).test.mean))
      return { name, gaps, mean: meanOf(gaps), largest: Math.max(...gaps), ownMean: meanOf(own), ownLargest: Math.max(...own) }
    })
}

const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / values.length

const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
const integer = (value) => value.toLocaleString('en-US')
const percent = (value) => (value ? `${(100 * value.mean).toFixed(1)} ± ${(100 * value.deviation).toFixed(1)}` : '-')
const points = (value) => (Math.abs(value) < 0.05 ? '0.0' : value.toFixed(1))

/** The results as Markdown: what is stored, test accuracies under budgets before and after training, and gaps to single models. */
export function renderMarkdown({ config, workers, seconds, runs, summary }) {
  const [{ backend, images, ancestor, sizes }] = runs
  const seeds = runs.map(({ seed }) => seed).join(', ')
  const accuracyRow = (name, { stitchedMean, atBudgets }) => [name, percent(stitchedMean), ...atBudgets.map(percent)]
  const accuracies = summary.flatMap(({ name, before, after }) => [
    accuracyRow(after ? `${name}, before` : name, before),
    ...(after ? [accuracyRow(`${name}, after`, after)] : []),
  ])
  const blocks = summary.filter(({ after }) => !after)
  const single = summary.find(({ stepsEach }) => stepsEach)
  return `# A family of models on Fashion-MNIST

${images.training} training, ${images.validation} validation and ${images.test} test images; seeds ${seeds}; backend ${backend.name} (TensorFlow.js ${backend.version}), ${workers} workers, ${Math.round(seconds)} s.
Ancestor: ${ancestor.depth} blocks of width ${ancestor.width}, ${integer(ancestor.parameters)} parameters, ${integer(ancestor.macs)} MACs, ${(100 * ancestor.test).toFixed(1)} % of the test images.

## What is stored

A step is a batch of ${config.batchSize} images for one model.

${table(
  ['', 'stored parameters', 'models', 'training steps'],
  summary.map(({ name, stored, models, steps, stepsEach }) => [
    name,
    integer(stored),
    models,
    `${integer(steps)}${stepsEach ? ' each' : ''}`,
  ]),
)}

## Test accuracy in percent under budgets

Mean ± standard deviation over the seeds. "Stitched" is the mean of all stitched models; under a budget stands the model that does best on the validation images.
Before is without any step for what is cut out of the ancestor and for nested widths, and before the common training for the others.

${table(['', 'stitched', ...config.budgets.map((macs) => `≤ ${macs / 1e6} M MACs`)], accuracies)}
${
  single
    ? `
## Against single models

The test accuracy of single models that have all the steps of a family each, and by how many points a trained family's best model within the same MACs stays behind; below zero it is ahead.
The last two columns take the family's own model of each size, where nothing is chosen on the validation images.

${table(
  ['', ...sizes.map(({ width, macs }) => `width ${width}, ${integer(macs)} MACs`), 'mean', 'largest', 'own size: mean', 'largest'],
  [
    ['Single models, %', ...single.after.models.map(({ test }) => percent(test)), '', '', '', ''],
    ...gapsToSingle(summary).map(({ name, gaps, mean, largest, ownMean, ownLargest }) => [
      name,
      ...[...gaps, mean, largest, ownMean, ownLargest].map(points),
    ]),
  ],
)}
`
    : ''
}${
  blocks.length > 0
    ? `
## Fewer blocks of the ancestor

Greedy block dropping without training, at the ancestor's width.

${table(
  ['', 'MACs', ...blocks.map(({ name }) => name)],
  blocks[0].before.models.map(({ model, macs }, i) => [
    model,
    integer(macs),
    ...blocks.map(({ before }) => percent(before.models[i].test)),
  ]),
)}
`
    : ''
}`
}
