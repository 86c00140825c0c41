/** Mean and sample standard deviation; null where there is nothing to average. */
function spread(values) {
  const known = values.filter((value) => value !== null)
  if (known.length < values.length || known.length === 0) return null
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  const deviation = known.length > 1 ? Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1)) : 0
  return { mean, deviation }
}

/** The rows of all seeds, one per model or family: sizes, and mean and spread of what was measured. */
export function summarise(runs) {
  const measured = (ofSeeds) =>
    ofSeeds.includes(null)
      ? null
      : {
          stitchedMean: spread(ofSeeds.map(({ stitchedMean }) => stitchedMean)),
          atBudgets: ofSeeds[0].atBudgets.map((_, i) => spread(ofSeeds.map(({ atBudgets }) => atBudgets[i]?.test ?? null))),
        }
  return runs[0].rows.map(({ name, stored, models, smallest, steps }, i) => {
    const ofSeeds = runs.map(({ rows }) => rows[i])
    return {
      name,
      stored,
      models,
      smallest,
      steps,
      residual: spread(ofSeeds.map(({ residual }) => residual)),
      before: measured(ofSeeds.map(({ before }) => before)),
      after: measured(ofSeeds.map(({ after }) => after)),
    }
  })
}

const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? '---' : '--:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
const integer = (value) => value.toLocaleString('en-US')
const percent = (value) => (value ? `${(100 * value.mean).toFixed(1)} ± ${(100 * value.deviation).toFixed(1)}` : '-')
const decimal = (value) => (value ? `${value.mean.toFixed(3)} ± ${value.deviation.toFixed(3)}` : '-')

/** The results as Markdown: what is stored, and test accuracies under budgets before and after fine-tuning. */
export function renderMarkdown({ config, workers, seconds, runs, summary }) {
  const [{ backend, images, ancestor, budgets }] = runs
  const caps = budgets.map((macs, i) => `≤ ${integer(macs)} MACs (${Math.round(100 * config.budgets[i])} %)`)
  const accuracyRow = (name, residual, measured) => [name, residual, percent(measured.stitchedMean), ...measured.atBudgets.map(percent)]
  const accuracies = summary.flatMap(({ name, residual, before, after }) => [
    ...(before ? [accuracyRow(`${name}, before`, decimal(residual), before)] : []),
    accuracyRow(before ? `${name}, after` : name, '', after),
  ])
  const seeds = runs.map(({ seed }) => seed).join(', ')
  return `# Pool and SN-Net on Fashion-MNIST

${images.training} training, ${images.validation} validation and ${images.test} test images; seeds ${seeds}; backend ${backend.name} (TensorFlow.js ${backend.version}), ${workers} workers, ${Math.round(seconds)} s.
Ancestor: ${ancestor.depth} blocks of width ${ancestor.width}, ${integer(ancestor.parameters)} parameters, ${integer(ancestor.macs)} MACs, ${(100 * ancestor.test).toFixed(1)} % of the test images.

## What is stored

${table(
  ['', 'stored parameters', 'models', 'smallest: parameters', 'smallest: MACs', 'training steps'],
  summary.map(({ name, stored, models, smallest, steps }) => [
    name,
    integer(stored),
    models,
    integer(smallest.parameters),
    integer(smallest.macs),
    integer(steps),
  ]),
)}

## Test accuracy in percent

Mean ± standard deviation over the seeds. "Stitched" is the mean of all stitched models; under a budget stands the model that does best on the validation images.
Before and after mean joint fine-tuning; the residual is the mean relative error of the stitches on held-out features.

${table(['', 'residual', 'stitched', ...caps], accuracies)}
`
}
