import type { Json, JsonObject } from '@learngene/interfaces'
import { type Cascade, isCascadeText } from '@learngene/stitch'
import {
  costOf,
  describe,
  type ModelDetails,
  type Network,
  requireArguments,
  requireKeys,
  sizeText,
  structureOf,
} from '@learngene/vit-blocks'

export interface ModelCardOptions {
  /** The model's name, the card's heading. */
  readonly name: string
  /** Of the model: its classes, preprocessing and where it comes from. */
  readonly details?: ModelDetails
  /** What stands beside the card. */
  readonly files?: readonly { readonly name: string; readonly bytes: number }[]
  /** Measured accuracies, each with the images that it was measured on. */
  readonly accuracy?: readonly MeasuredAccuracy[]
  /** Measured latencies. One that was predicted is none. */
  readonly latency?: readonly MeasuredLatency[]
  /** Of a cascade, where it is known: the share of images that the large network answers, and of which images. */
  readonly passedOn?: { readonly share: number; readonly split: string; readonly images?: number }
  /** How the model was made, a sentence each. */
  readonly made?: readonly string[]
  /** The recipe that made it. */
  readonly recipe?: JsonObject
  /** A program that runs the model: its language and its text. */
  readonly use?: { readonly language: string; readonly text: string }
}

export interface MeasuredAccuracy {
  /** From 0 to 1. */
  readonly value: number
  /** Which part of the images, for example `test`. */
  readonly split: string
  readonly images: number
  /** What else matters, for example the type of the weights. */
  readonly note?: string
}

export interface MeasuredLatency {
  /** The median. */
  readonly milliseconds: number
  /** In which the median lies with 95 % certainty. */
  readonly interval?: readonly [number, number]
  readonly backend: string
  readonly batch: number
  /** On which the time was measured. */
  readonly device?: string
  /** What else matters, for example when. */
  readonly note?: string
}

const optionKeys = ['name', 'details', 'files', 'accuracy', 'latency', 'passedOn', 'made', 'recipe', 'use'] as const

/**
 * A model card, the README.md of a model's folder as model hubs show it: size, cost, what was measured on which images, and how the model was made. What is not known
 * is left out. The licence is the user's to state.
 *
 * @param model a network, or a cascade whose parts are exported side by side
 * @throws Error when an option cannot be
 */
export function modelCard(model: Network | Cascade, options: ModelCardOptions): string {
  const network = typeof model === 'object' && model !== null && 'small' in model ? model.small : model
  requireArguments('modelCard', { network: ['network', network], options: ['object', options] })
  requireKeys('modelCard', options, optionKeys)
  const { name, details = {}, files = [], accuracy = [], latency = [], made = [], recipe, use } = options
  if (typeof name !== 'string' || name.trim() === '') throw new Error(`modelCard: 'name' must be a non-empty text; got ${describe(name)}`)
  for (const { value, split } of accuracy) {
    if (!(value >= 0 && value <= 1)) throw new Error(`modelCard: an accuracy must be from 0 to 1; got ${value} for '${split}'`)
  }
  const structure = structureOf(network)
  const { channels, imageSize } = structure.geometry
  const facts: readonly (readonly [string, string])[] = [
    ...('small' in model ? cascadeFacts(model, options.passedOn) : networkFacts(model)),
    ['takes', `${channels === 1 ? 'grey' : `${channels}-channel`} images of ${sizeText(imageSize)} pixels`],
    ['gives', structure.classes > 0 ? `logits of ${structure.classes} classes` : `a vector of ${network.head.pooledWidth} numbers`],
    ...files.map(({ name, bytes }) => [`\`${name}\``, `${grouped(bytes)} bytes`] as const),
  ]
  const { path, dataset, classNames } = details as {
    readonly path?: Json
    readonly dataset?: Json
    readonly classNames?: readonly string[]
  }
  const origin = [
    ...(typeof dataset === 'string' ? [`Trained on ${dataset}.`] : []),
    ...(typeof path === 'string'
      ? [
          isCascadeText(path)
            ? `\`${path}\`: two descendants of a learngene pool (arXiv 2312.05743), of which the large one answers where the small one is not sure.`
            : `Descendant \`${path}\` of a learngene pool (arXiv 2312.05743): blocks of several networks, joined by linear maps where they change.`,
        ]
      : []),
    ...made,
  ]
  const sections = [
    `# ${oneLine(name)}`,
    table(['', ''], facts),
    ...(accuracy.length > 0
      ? [
          '## Accuracy',
          table(
            ['images', 'right', ''],
            accuracy.map(({ value, split, images, note = '' }) => [
              `${grouped(images)} of ${split}`,
              `${(100 * value).toFixed(1)} %`,
              note,
            ]),
          ),
        ]
      : []),
    ...(latency.length > 0
      ? [
          '## Latency',
          table(
            ['backend', 'batch', 'median, ms', '95 % interval', 'measured on', ''],
            latency.map(({ backend, batch, milliseconds, interval, device = '', note = '' }) => [
              backend,
              String(batch),
              milliseconds.toPrecision(3),
              interval ? interval.map((ms) => ms.toPrecision(3)).join(' to ') : '',
              device,
              note,
            ]),
          ),
        ]
      : []),
    ...(use ? ['## Use', fence(use.language, use.text)] : []),
    ...(classNames ? ['## Classes', classNames.map((each, i) => `${i}: ${oneLine(each)}`).join(', ')] : []),
    ...(origin.length > 0 || recipe ? ['## How it was made', ...origin] : []),
    ...(recipe ? ['The recipe:', fence('json', JSON.stringify(recipe, null, 2))] : []),
    '## Licence',
    'Not stated. Whoever publishes this model states it here and as `license` at the top of this file; the licences of the ancestor and of the images bear on it.',
  ]
  return `---\npipeline_tag: ${structure.classes > 0 ? 'image-classification' : 'image-feature-extraction'}\ntags:\n  - vision-transformer\n  - learngene\n---\n\n${sections.join('\n\n')}\n`
}

function networkFacts(network: Network): [string, string][] {
  const { macs, parameters, memory } = costOf(network)
  return [
    ['blocks', blocksText(network)],
    ['parameters', grouped(parameters)],
    ['multiply-accumulates of an image', grouped(macs)],
    ['memory of an image', `${grouped(memory)} bytes, weights included, as float32`],
  ]
}

/** Of parts that run one after the other: what they have in common runs twice. */
function cascadeFacts({ small, large, threshold, confidence }: Cascade, passedOn: ModelCardOptions['passedOn']): [string, string][] {
  const [a, b] = [costOf(small), costOf(large)]
  const images = passedOn?.images === undefined ? '' : `${grouped(passedOn.images)} `
  return [
    ['small', `${blocksText(small)}; ${grouped(a.parameters)} parameters`],
    ['large', `${blocksText(large)}; ${grouped(b.parameters)} parameters`],
    ['the small one answers', `where its confidence, by ${confidence.name}, is at least ${threshold}; else the large one`],
    ...(passedOn
      ? [
          ['passed on', `${(100 * passedOn.share).toFixed(1)} % of ${images}${passedOn.split} images`] as [string, string],
          ['multiply-accumulates of an image', `${grouped(Math.round(a.macs + passedOn.share * b.macs))} on average`] as [string, string],
        ]
      : []),
    ['multiply-accumulates of an image that is not passed on, and of one that is', `${grouped(a.macs)}, ${grouped(a.macs + b.macs)}`],
  ]
}

/** `11 of width 48, a stitch 48 to 96, 1 of width 96` */
function blocksText({ blocks }: Network): string {
  const runs: { text: string; count: number }[] = []
  for (const { kind, inputWidth, outputWidth } of blocks) {
    const text = inputWidth === outputWidth ? `${kind} of width ${inputWidth}` : `${kind} ${inputWidth} to ${outputWidth}`
    if (runs.at(-1)?.text === text) runs.at(-1)!.count++
    else runs.push({ text, count: 1 })
  }
  return runs.map(({ text, count }) => `${count} x ${text}`).join(', ') || 'none'
}

const grouped = (value: number) => value.toLocaleString('en-US')

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ').trim()

const table = (headings: readonly string[], rows: readonly (readonly string[])[]) =>
  [headings, headings.map(() => '---'), ...rows]
    .map((row) => `| ${row.map((cell) => oneLine(cell).replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')

/** A block of code; the fence is longer than any inside. */
function fence(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length))
  const ticks = '`'.repeat(longest + 1)
  return `${ticks}${language}\n${text}\n${ticks}`
}
