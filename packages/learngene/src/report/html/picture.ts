import type { DescendantRow, RunReport } from '@learngene/recipe/reports'
import { formatShare } from '../text.js'
import type { Axis } from './axis.js'
import { accuracyAxis, frame, LAYOUTS, lowestAccuracy, macsAxis, sizeText, tickCount } from './frame.js'
import { type Html, html } from './html.js'
import { fixed, type Layout, legend, line, type Model, marksOf } from './marks.js'
import { type Point, placeLabels, type Wanted } from './place-labels.js'

/** Test accuracy over MACs of every descendant, untrained and trained: the front, the budget, the chosen one, and the ancestor. */
export function picture(report: RunReport): Html {
  const models = modelsOf(report)
  const low = lowestShown(report)
  return html`<figure class="picture">
${legend()}
${LAYOUTS.map((layout) => drawing(report, models, low, layout))}
<p class="readout" aria-live="polite">Point at a model, tap it, or go through them with Tab and the arrow keys.</p>
${note(report, low)}
</figure>`
}

/** In the order of their MACs, which is that of the arrow keys. A tier that is the untouched ancestor stands for it. */
function modelsOf({ ancestor, choice, descendants }: RunReport): Model[] {
  const models = descendants.map((row): Model => {
    const isAncestor = !row.stitched && row.macs === ancestor.macs && row.testAccuracy === ancestor.testAccuracy
    return {
      kind: isAncestor ? 'ancestor' : row.stitched ? 'stitched' : 'single',
      macs: row.macs,
      trained: row.testAccuracy,
      untrained: row.untrainedAccuracy,
      chosen: row.path === choice.path,
      title: `${row.path}${isAncestor ? ', the ancestor' : ''}
${sizeText(row)}
test ${formatShare(row.testAccuracy, 2)}, untrained ${formatShare(row.untrainedAccuracy, 2)}, validation ${formatShare(row.validationAccuracy, 2)}${row.path === choice.path ? '\nchosen under the budget' : ''}${row.pareto ? '\non the Pareto front' : ''}`,
    }
  })
  if (!models.some(({ kind }) => kind === 'ancestor')) {
    const title = `the ancestor: ${ancestor.depth} blocks of width ${ancestor.width}\n${sizeText(ancestor)}\ntest ${formatShare(ancestor.testAccuracy, 2)}`
    models.push({ kind: 'ancestor', macs: ancestor.macs, trained: ancestor.testAccuracy, chosen: false, title })
  }
  return models.sort((a, b) => a.macs - b.macs)
}

/** The accuracies that matter are the ancestor's, those of the front and of what was chosen. */
function lowestShown({ ancestor, choice, choices, descendants }: RunReport): number {
  const named = descendants.filter(({ pareto, path }) => pareto || [choice, ...choices].some((other) => other.path === path))
  return lowestAccuracy({
    named: [ancestor, ...named].map(({ testAccuracy }) => testAccuracy),
    trained: descendants.map(({ testAccuracy }) => testAccuracy),
    untrained: descendants.map(({ untrainedAccuracy }) => untrainedAccuracy),
    below: 1 / 3,
  })
}

function drawing(report: RunReport, models: readonly Model[], low: number, layout: Layout): Html {
  const { ancestor, descendants, images } = report
  const { kind, width, height, left, right, top, bottom } = layout
  const x = macsAxis(
    models.map(({ macs }) => macs),
    layout,
  )
  const y = accuracyAxis([low, Math.max(...models.flatMap(({ trained, untrained = trained }) => [trained, untrained]))], layout)
  const at = ({ macs, testAccuracy }: Measured): Point => [x.position(macs), y.position(testAccuracy)]
  const marks = models.map((model) => marksOf(model, x, y, low, layout))
  const front = descendants
    .filter(({ pareto }) => pareto)
    .sort((a, b) => a.macs - b.macs)
    .map(at)
  const ancestorAt = at(ancestor)
  const budget = budgetPosition(report, x)
  const lines: (readonly [Point, Point])[] = [
    [
      [left, ancestorAt[1]],
      [right, ancestorAt[1]],
    ],
    ...(budget === undefined ? [] : ([[[budget, top] as Point, [budget, bottom] as Point]] as const)),
    ...front.slice(1).map((point, i): [Point, Point] => [front[i]!, point]),
    ...marks.flatMap(({ gain }) => (gain ? [gain] : [])),
  ]
  const labels = labelsOf(report, at, budget, layout)
  const placed = placeLabels(
    labels.map(({ wanted }) => wanted),
    { boxes: marks.flatMap(({ boxes }) => boxes), segments: lines },
    layout,
  )
  return html`<svg class="${kind}" viewBox="0 0 ${width} ${height}" role="group" aria-label="Test accuracy over MACs of ${descendants.length} descendants; the arrow keys go from model to model">
${frame(x, y, layout, `accuracy on ${images.test} test images`)}
<line class="ancestor-line" x1="${left}" x2="${right}" y1="${fixed(ancestorAt[1])}" y2="${fixed(ancestorAt[1])}"/>
${budget === undefined ? '' : html`<line class="budget-line" x1="${fixed(budget)}" x2="${fixed(budget)}" y1="${top}" y2="${bottom}"/>`}
<polyline class="front" points="${front.map((point) => point.map(fixed).join(',')).join(' ')}"/>
${placed.map((label) => (label?.leader ? line('leader', label.leader) : ''))}
${marks.map(({ drawn }) => drawn)}
${placed.map((label, i) => (label ? html`<text class="label ${labels[i]!.kind}" x="${fixed(label.x)}" y="${fixed(label.y)}" style="font-size:${labels[i]!.wanted.size}px">${label.text}</text>` : ''))}
</svg>`
}

/** What a place in the picture needs. */
type Measured = Pick<DescendantRow, 'macs' | 'testAccuracy'>

interface Label {
  /** Its class. */
  readonly kind: string
  readonly wanted: Wanted
}

/** What is named in the picture, the most important first: the choice, the small end of the front, the ancestor, the large end, the budget, the best within other budgets. */
function labelsOf(
  { ancestor, choice, choices, descendants }: RunReport,
  at: (model: Measured) => Point,
  budget: number | undefined,
  { top, bottom, radius, text }: Layout,
): Label[] {
  const front = descendants.filter(({ pareto }) => pareto).sort((a, b) => a.macs - b.macs)
  const paths = [front[0], front.at(-1)].map((row) => row?.path)
  const named = (row: DescendantRow): Label[] => {
    if (row.path === choice.path || row.macs === ancestor.macs) return []
    const share = formatShare(row.testAccuracy)
    const texts = row.stitched ? [share] : [`${row.path.replace(/\[.*$/, '')} ${share}`, share]
    return [{ kind: '', wanted: { texts, size: text, beside: { point: at(row), gap: radius + 6 } } }]
  }
  const chosen = descendants
    .filter(({ path }) => path === choice.path)
    .map((row): Label => {
      const texts = [`chosen ${formatShare(row.testAccuracy)}`, 'chosen']
      return { kind: 'strong', wanted: { texts, size: text + 1, beside: { point: at(row), gap: radius + 8 } } }
    })
  const ofAncestor: Label = {
    kind: 'of-ancestor',
    wanted: {
      texts: [`ancestor ${formatShare(ancestor.testAccuracy)}`, 'ancestor'],
      size: text,
      beside: { point: at(ancestor), gap: 3 * radius },
    },
  }
  const cap = tickCount(choice.budget.macs ?? 0)
  const ofBudget = (x: number): Label => ({
    kind: 'of-budget',
    wanted: { texts: [`budget ${cap} MACs`, `≤ ${cap}`], size: text, beside: { x, from: top + 2, to: bottom, gap: 6 } },
  })
  return [
    ...chosen,
    ...front.slice(0, 1).flatMap(named),
    ofAncestor,
    ...front.slice(1).slice(-1).flatMap(named),
    ...(budget === undefined ? [] : [ofBudget(budget)]),
    ...descendants.filter(({ path }) => !paths.includes(path) && choices.some((other) => other.path === path)).flatMap(named),
  ]
}

/** Where the budget's line stands; undefined where it caps no MACs or nothing on the axis. */
function budgetPosition({ ancestor, choice, descendants }: RunReport, x: Axis): number | undefined {
  const macs = descendants.map((row) => row.macs)
  const cap = choice.budget.macs
  return cap !== undefined && cap >= Math.min(...macs) && cap <= Math.max(ancestor.macs, ...macs) ? x.position(cap) : undefined
}

/** What the picture leaves out. */
function note(report: RunReport, low: number): Html {
  const { choice, descendants } = report
  const below = (measure: 'testAccuracy' | 'untrainedAccuracy') => descendants.filter((row) => row[measure] < low).length
  const clipped = [
    [below('untrainedAccuracy'), 'before training'],
    [below('testAccuracy'), 'after it'],
  ].flatMap(([count, when]) => (count ? [`${count} ${when}`] : []))
  const cap = choice.budget.macs
  const isOutside = cap !== undefined && budgetPosition(report, { ticks: [], position: () => 0 }) === undefined
  const text = [
    clipped.length === 0
      ? ''
      : `▽ at the lower edge: accuracies far below the others (${clipped.join(', ')}), in the table with their numbers.`,
    isOutside ? `The budget of ${tickCount(cap)} MACs lies outside the picture.` : '',
  ].filter(Boolean)
  return text.length === 0 ? html`` : html`<figcaption class="note">${text.join(' ')}</figcaption>`
}
