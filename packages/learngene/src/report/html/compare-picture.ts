import type { Best, RunSummary } from '../compare-runs.js'
import { formatShare } from '../text.js'
import { accuracyAxis, frame, LAYOUTS, lowestAccuracy, macsAxis, sizeText } from './frame.js'
import { type Html, html } from './html.js'
import { classOfRun, fixed, type Layout, legendItem, line, type Model, marksOf, RUN_COLOURS, shape, shapeOfRun } from './marks.js'
import { type Point, placeLabels, type Wanted } from './place-labels.js'

/** A name in the picture; longer ones end in an ellipsis. */
const MOST_CHARACTERS = 18

/** Fronts are the subject: their small ends are shown down to so many ranges of the rest below it. */
const FRONT_BELOW = 2

/** For clipped marks below all others, as a share of the accuracies' range. */
const CLIPPED_ROOM = 0.06

/** An ancestor, and the positions of the runs that have it. */
interface Ancestor {
  readonly macs: number
  readonly testAccuracy: number
  readonly runs: readonly number[]
}

/** The fronts of several runs over MACs, with a colour, a shape and a line for each, and their ancestors. */
export function comparisonPicture(runs: readonly RunSummary[]): Html {
  const ancestors = ancestorsOf(runs)
  const models = modelsOf(runs, ancestors)
  const low = lowestAccuracy({
    named: [...ancestors, ...runs.map(({ chosen }) => chosen)].map(({ testAccuracy }) => testAccuracy),
    trained: models.map(({ trained }) => trained),
    below: FRONT_BELOW,
  })
  const clipped = models.filter(({ trained }) => trained < low).length
  return html`<figure class="picture">
<ul class="legend">
${runs.map(({ name }, i) => legendItem(classOfRun(i), html`${frontLine(i, '-10,0 10,0')}${shape(shapeOfRun(i), [0, 0], 5.5, 'trained')}`, name))}
${legendItem('stitched', html`<circle class="ring" r="9"/>`, 'chosen under its budget')}
${legendItem('ancestor', shape('star', [0, 0], 9, 'trained'), ancestors.length === 1 ? 'the ancestor' : 'ancestors')}
</ul>
${LAYOUTS.map((layout) => drawing(runs, models, ancestors, low, layout))}
<p class="readout" aria-live="polite">Point at a model, tap it, or go through them with Tab and the arrow keys.</p>
${clipped === 0 ? '' : html`<figcaption class="note">▽ at the lower edge: ${clipped} ${clipped === 1 ? 'accuracy' : 'accuracies'} far below the others.</figcaption>`}
</figure>`
}

function ancestorsOf(runs: readonly RunSummary[]): Ancestor[] {
  const ancestors = new Map<string, Ancestor>()
  runs.forEach(({ ancestor: { macs, testAccuracy } }, i) => {
    const key = `${macs} ${testAccuracy}`
    ancestors.set(key, { macs, testAccuracy, runs: [...(ancestors.get(key)?.runs ?? []), i] })
  })
  return [...ancestors.values()]
}

/** All that is on a front or chosen, by rising MACs, which is the order of the arrow keys. A model that is its run's untouched ancestor is drawn as that. */
function modelsOf(runs: readonly RunSummary[], ancestors: readonly Ancestor[]): Model[] {
  const models = runs.flatMap(({ name, ancestor, front, chosen }, run) => {
    const rows: Best[] = front.some(({ path }) => path === chosen.path) ? [...front] : [...front, chosen]
    return rows
      .filter((row) => !isSame(row, ancestor) || row.path === chosen.path)
      .map(
        (row): Model => ({
          kind: row.path.includes('>') ? 'stitched' : 'single',
          run,
          macs: row.macs,
          trained: row.testAccuracy,
          chosen: row.path === chosen.path,
          title: `${name}: ${row.path}
${sizeText(row)}
test ${formatShare(row.testAccuracy, 2)}, validation ${formatShare(row.validationAccuracy, 2)}${row.path === chosen.path ? '\nchosen under its budget' : ''}`,
        }),
      )
  })
  const stars = ancestors.map((ancestor): Model => {
    const { width, depth, parameters } = runs[ancestor.runs[0]!]!.ancestor
    const of = ancestors.length === 1 ? '' : ` of ${ancestor.runs.map((run) => runs[run]!.name).join(', ')}`
    return {
      kind: 'ancestor',
      macs: ancestor.macs,
      trained: ancestor.testAccuracy,
      chosen: false,
      title: `the ancestor${of}: ${depth} blocks of width ${width}
${sizeText({ macs: ancestor.macs, parameters })}
test ${formatShare(ancestor.testAccuracy, 2)}`,
    }
  })
  return [...models, ...stars].sort((a, b) => a.macs - b.macs)
}

function drawing(runs: readonly RunSummary[], models: readonly Model[], ancestors: readonly Ancestor[], low: number, layout: Layout): Html {
  const { kind, width, height, left, right, bottom, radius, text } = layout
  const x = macsAxis(
    models.map(({ macs }) => macs),
    layout,
  )
  const most = Math.max(...models.map(({ trained }) => trained))
  // Clipped marks have room of their own, so that they cover none that is where it belongs.
  const room = models.some(({ trained }) => trained < low) ? CLIPPED_ROOM * (most - low) : 0
  const y = accuracyAxis([low - room, most], layout)
  const at = ({ macs, testAccuracy }: Pick<Best, 'macs' | 'testAccuracy'>): Point => [
    x.position(macs),
    testAccuracy < low ? bottom - radius - 2 : y.position(testAccuracy),
  ]
  const marks = models.map((model) => marksOf(model, x, y, low, layout))
  const fronts = runs.map(({ front }) => front.map(at))
  const levels = ancestors.map((ancestor): [Point, Point] => [
    [left, at(ancestor)[1]],
    [right, at(ancestor)[1]],
  ])
  const labels = [
    ...runs.map((run, i) => labelOf(run, i, fronts[i]![0]!, layout)),
    ...ancestors.map((ancestor) => ancestorLabel(ancestor, at(ancestor), layout)),
  ]
  const placed = placeLabels(
    labels.map(({ wanted }) => wanted),
    {
      boxes: marks.flatMap(({ boxes }) => boxes),
      segments: [...levels, ...fronts.flatMap((front) => front.slice(1).map((point, i): [Point, Point] => [front[i]!, point]))],
    },
    layout,
  )
  return html`<svg class="${kind}" viewBox="0 0 ${width} ${height}" role="group" aria-label="Test accuracy over MACs of the fronts of ${runs.length} runs; the arrow keys go from model to model">
${frame(x, y, layout, 'accuracy on test images')}
${levels.map((level) => line('ancestor-line', level))}
${fronts.map((front, i) => frontLine(i, front.map((point) => point.map(fixed).join(',')).join(' ')))}
${placed.map((label) => (label?.leader ? line('leader', label.leader) : ''))}
${marks.map(({ drawn }) => drawn)}
${placed.map((label, i) => (label ? html`<text class="label ${labels[i]!.kind}" x="${fixed(label.x)}" y="${fixed(label.y)}" style="font-size:${text}px">${label.text}</text>` : ''))}
</svg>`
}

/** Broken where colours have come again. */
function frontLine(run: number, points: string): Html {
  return html`<polyline class="front ${classOfRun(run)}${run < RUN_COLOURS ? '' : ' again'}" points="${points}"/>`
}

interface Label {
  readonly kind: string
  readonly wanted: Wanted
}

/** A run is named at the small end of its front, where fronts are farthest apart. */
function labelOf({ name, front }: RunSummary, run: number, point: Point, { text, radius }: Layout): Label {
  const short = name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS - 1)}…` : name
  const texts = [`${short} ${formatShare(front[0]!.testAccuracy)}`, short]
  return { kind: `of-run ${classOfRun(run)}`, wanted: { texts, size: text, beside: { point, gap: radius + 6 } } }
}

function ancestorLabel({ testAccuracy }: Ancestor, point: Point, { text, radius }: Layout): Label {
  const texts = [`ancestor ${formatShare(testAccuracy)}`, 'ancestor']
  return { kind: 'of-ancestor', wanted: { texts, size: text, beside: { point, gap: 3 * radius } } }
}

const isSame = (a: Pick<Best, 'macs' | 'testAccuracy'>, b: Pick<Best, 'macs' | 'testAccuracy'>) =>
  a.macs === b.macs && a.testAccuracy === b.testAccuracy
