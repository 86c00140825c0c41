import { formatCount } from '../text.js'
import { type Axis, linearAxis, logAxis } from './axis.js'
import { type Html, html } from './html.js'
import { fixed, type Layout } from './marks.js'

export const LAYOUTS: readonly Layout[] = [
  { kind: 'wide', width: 760, height: 440, left: 72, right: 740, top: 14, bottom: 388, radius: 5, text: 12.5, ticks: { x: 10, y: 8 } },
  { kind: 'narrow', width: 330, height: 380, left: 52, right: 314, top: 10, bottom: 330, radius: 4.5, text: 12, ticks: { x: 6, y: 8 } },
]

/** Room for labels above the best accuracy and before the smallest model, in heights of a label. */
const HEADROOM = 4
const LEFT_ROOM = 2
/** From this ratio of largest to smallest MACs on the axis is logarithmic. */
const LOGARITHMIC_FROM = 10

/** Costs of models in any order: logarithmic where they differ much. */
export function macsAxis(macs: readonly number[], layout: Layout): Axis {
  const { right, ticks } = layout
  const left = layout.left + LEFT_ROOM * layout.text
  const [least, most] = [Math.min(...macs), Math.max(...macs)]
  if (least > 0 && most / least > LOGARITHMIC_FROM) {
    return logAxis([least, most], [left, right], { count: ticks.x, room: Math.max(1.15, (most / least) ** 0.06) })
  }
  const margin = 0.05 * (most - least)
  return linearAxis([Math.max(0, least - margin), most + margin], [left, right], { count: Math.min(6, ticks.x - 2), floor: 0 })
}

export function accuracyAxis(range: readonly [least: number, most: number], { bottom, top, text, ticks }: Layout): Axis {
  return linearAxis(range, [bottom, top + HEADROOM * text], { count: ticks.y, floor: 0, ceiling: 1 })
}

/**
 * Where the accuracies that matter end: those that are named, and of the trained models all but the worst quarter. What lies up to a share of their range, or
 * 3 points, below is shown too; points farther down are clipped.
 */
export function lowestAccuracy({ named, trained, untrained = [], below }: Accuracies): number {
  const sorted = [...trained].sort((a, b) => a - b)
  const least = Math.min(...named, sorted[Math.floor(sorted.length / 4)]!)
  const reach = least - Math.max(0.03, (Math.max(...named, ...trained) - least) * below)
  return Math.min(least, ...[...trained, ...untrained].filter((share) => share >= reach))
}

interface Accuracies {
  /** Never clipped. */
  readonly named: readonly number[]
  readonly trained: readonly number[]
  readonly untrained?: readonly number[]
  /** Share of the range. */
  readonly below: number
}

/** @param title of the axis of accuracies, where there is room for it */
export function frame(x: Axis, y: Axis, { kind, height, left, right, top, bottom }: Layout, title: string): Html {
  const across = y.ticks.map((tick) => ({ at: fixed(y.position(tick)), text: percent(tick) }))
  const along = x.ticks.map((tick) => ({ at: fixed(x.position(tick)), text: tickCount(tick) }))
  return html`<g class="grid">
${across.map(({ at }) => html`<line x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>`)}
${along.map(({ at }) => html`<line x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>`)}
</g>
<g class="ticks">
${across.map(({ at, text }) => html`<text x="${left - 7}" y="${at + 4}" text-anchor="end">${text}</text>`)}
${along.map(({ at, text }) => html`<text x="${at}" y="${bottom + 19}" text-anchor="middle">${text}</text>`)}
</g>
<g class="titles">
<text x="${(left + right) / 2}" y="${height - 8}" text-anchor="middle">multiply-accumulates of one image (MACs)</text>
${kind === 'wide' ? html`<text transform="translate(14 ${(top + bottom) / 2}) rotate(-90)" text-anchor="middle">${title}</text>` : ''}
</g>`
}

export function sizeText({ macs, parameters }: { readonly macs: number; readonly parameters: number }): string {
  return `${formatCount(macs)} MACs, ${formatCount(parameters)} parameters`
}

const percent = (share: number) => `${Number((100 * share).toFixed(2))} %`

/** A round count without its zeros: 2 M. */
export const tickCount = (value: number) => formatCount(value).replace(/\.(\d*?)0+ /, (_, digits) => (digits ? `.${digits} ` : ' '))
