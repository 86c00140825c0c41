import type { Axis } from './axis.js'
import { type Html, html } from './html.js'
import type { Box, Point } from './place-labels.js'

/** The picture is drawn once for screens and paper and once for telephones; the style sheet shows one of them. */
export interface Layout extends Box {
  readonly kind: 'wide' | 'narrow'
  readonly width: number
  readonly height: number
  /** Of points. */
  readonly radius: number
  /** Height of labels; of ticks it is the style sheet's. */
  readonly text: number
  /** Most ticks, by axis. */
  readonly ticks: { readonly x: number; readonly y: number }
}

/** A descendant, or the ancestor, as the picture shows it. */
export interface Model {
  readonly kind: 'stitched' | 'single' | 'ancestor'
  /** Of several runs in one picture the position of its own, which gives colour and shape; ancestors have none. */
  readonly run?: number
  readonly macs: number
  /** Test accuracies. */
  readonly trained: number
  readonly untrained?: number
  readonly chosen: boolean
  readonly title: string
}

export interface Marks {
  readonly drawn: Html
  /** What the marks cover. */
  readonly boxes: readonly Box[]
  /** The line from the untrained to the trained mark, where they are apart. */
  readonly gain?: readonly [Point, Point]
}

/** A model's two marks, which take the focus together: hollow where it was untrained, filled where it is trained. */
export function marksOf(model: Model, x: Axis, y: Axis, low: number, { bottom, radius }: Layout): Marks {
  const across = x.position(model.macs)
  const place = (share: number) => ({ clipped: share < low, at: [across, share < low ? bottom - radius - 2 : y.position(share)] as Point })
  const trained = place(model.trained)
  const untrained = model.untrained === undefined ? undefined : place(model.untrained)
  const places = untrained ? [untrained, trained] : [trained]
  const size = model.kind === 'ancestor' ? 2 * radius : radius
  const reach = model.chosen ? radius + 6 : size + 1.5
  const apart = untrained ? untrained.at[1] - trained.at[1] : 0
  const gain: Marks['gain'] =
    untrained && Math.abs(apart) > 2 * radius + 3
      ? [
          [across, untrained.at[1] - Math.sign(apart) * (radius + 1)],
          [across, trained.at[1] + Math.sign(apart) * radius],
        ]
      : undefined
  const form = model.run === undefined ? SHAPES[model.kind] : shapeOfRun(model.run)
  const mark = ({ at, clipped }: typeof trained, state: State) =>
    clipped
      ? shape('clipped', at, radius, state)
      : shape(form, at, model.kind === 'ancestor' && state === 'untrained' ? radius : size, state)
  return {
    boxes: places.map(({ at: [px, py] }) => ({ left: px - reach, top: py - reach, right: px + reach, bottom: py + reach })),
    ...(gain && { gain }),
    drawn: html`<g class="model ${model.kind}${model.run === undefined ? '' : ` ${classOfRun(model.run)}`}" role="img" tabindex="0"><title>${model.title}</title>
${gain ? line('gain', gain) : ''}${places.map(({ at }) => html`<circle class="halo" cx="${fixed(at[0])}" cy="${fixed(at[1])}" r="${size + 5}"/>`)}
${model.chosen ? html`<circle class="ring" cx="${fixed(trained.at[0])}" cy="${fixed(trained.at[1])}" r="${radius + 5}"/>` : ''}
${untrained && model.kind !== 'ancestor' ? mark(untrained, 'untrained') : ''}${mark(trained, 'trained')}
</g>
`,
  }
}

type State = 'trained' | 'untrained'
type Shape = 'circle' | 'diamond' | 'square' | 'triangle' | 'pentagon' | 'star' | 'clipped'

const SHAPES: { readonly [kind in Model['kind']]: Shape } = { stitched: 'circle', single: 'diamond', ancestor: 'star' }

/** Colours of runs that the style sheet has; from there on they come again with other shapes and with broken lines. */
export const RUN_COLOURS = 8
const RUN_SHAPES: readonly Shape[] = ['circle', 'diamond', 'square', 'triangle', 'pentagon']

export const classOfRun = (run: number) => `run-${run % RUN_COLOURS}`
export const shapeOfRun = (run: number) => RUN_SHAPES[run % RUN_SHAPES.length]!

/** @param radius of a circle of about the same area */
export function shape(form: Shape, [x, y]: Point, radius: number, state: State): Html {
  if (form === 'circle') return html`<circle class="mark ${state}" cx="${fixed(x)}" cy="${fixed(y)}" r="${radius}"/>`
  const points = CORNERS[form].map(([dx, dy]) => `${fixed(x + radius * dx)},${fixed(y + radius * dy)}`)
  return html`<polygon class="mark ${state}" points="${points.join(' ')}"/>`
}

/** Of a regular polygon with its first corner at the top; a share pulls every second corner in. */
const corners = (count: number, radius: number, pulled = radius): Point[] =>
  Array.from({ length: count }, (_, i) => {
    const [angle, reach] = [(2 * i * Math.PI) / count - Math.PI / 2, i % 2 === 0 ? radius : pulled]
    return [reach * Math.cos(angle), reach * Math.sin(angle)]
  })

/** Relative to the radius. */
const CORNERS: { readonly [form in Exclude<Shape, 'circle'>]: readonly Point[] } = {
  diamond: [
    [0, -1.3],
    [1.3, 0],
    [0, 1.3],
    [-1.3, 0],
  ],
  square: [
    [-0.9, -0.9],
    [0.9, -0.9],
    [0.9, 0.9],
    [-0.9, 0.9],
  ],
  triangle: [
    [0, -1.25],
    [1.2, 0.85],
    [-1.2, 0.85],
  ],
  pentagon: corners(5, 1.15),
  star: corners(10, 1, 0.45),
  clipped: [
    [-1.1, -0.9],
    [1.1, -0.9],
    [0, 1.1],
  ],
}

export function line(kind: string, [[x1, y1], [x2, y2]]: readonly [Point, Point]): Html {
  return html`<line class="${kind}" x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}"/>`
}

export function legendItem(kind: string, drawn: Html, text: Html | string): Html {
  return html`<li><svg class="${kind}" viewBox="-10 -10 20 20" width="18" height="18" aria-hidden="true">${drawn}</svg>${text}</li>`
}

/** The shapes and colours of one run. */
export function legend(): Html {
  const circle = (state: State) => shape('circle', [0, 0], 5.5, state)
  return html`<ul class="legend">
${legendItem('stitched', circle('trained'), 'stitched')}
${legendItem('single', shape('diamond', [0, 0], 5.5, 'trained'), 'one tier')}
${legendItem('stitched', circle('untrained'), 'before any training')}
${legendItem('', html`<polyline class="front" points="-9,5 0,-1 9,-4"/>`, 'Pareto front')}
${legendItem('stitched', html`${circle('trained')}<circle class="ring" r="9"/>`, 'chosen')}
${legendItem('ancestor', shape('star', [0, 0], 9, 'trained'), 'ancestor')}
</ul>`
}

/** A coordinate as markup has it. */
export const fixed = (value: number) => Math.round(value * 100) / 100
