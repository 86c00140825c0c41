import type { BackendName } from '@learngene/backends'
import type { JsonObject } from '@learngene/interfaces'
import {
  costOf,
  disposeNetwork,
  forward,
  gridOf,
  type LoadedModel,
  type LoadOptions,
  type Network,
  sidesOf,
  sizeText,
  structureOf,
} from '@learngene/vit-blocks'
import { tensor4d, tidy } from '@tensorflow/tfjs-core'
import { freeName } from '../report/free-name.js'
import { commandText } from '../report/next.js'
import { formatCount } from '../report/text.js'
import { startBackend } from '../start-backend.js'
import { loadModelAt } from './load-model.js'

/** What was understood of a model's files, and what the model makes of one image. */
export interface ModelReport {
  readonly backend: BackendName
  readonly structure: JsonObject
  readonly cost: { readonly macs: number; readonly parameters: number; readonly memory: number }
  readonly details: JsonObject
  readonly notes: readonly string[]
  /** Of a fixed image, a wave: all logits, or what a classifier would read where there is none. */
  readonly outputs: readonly number[]
  readonly milliseconds: number
}

/**
 * Loads a model and runs one image.
 *
 * @param address a path, a URL, `hf:owner/name[@revision]`, the folder of a finished run, or `embedded`
 * @throws when the backend does not start, or the model cannot be read, run or gives a number that is not finite
 */
export async function verifyModel(
  address: string,
  backend: BackendName | 'auto',
  options: Omit<LoadOptions, 'parts'> & { readonly config?: string },
): Promise<ModelReport & { readonly lines: readonly (readonly [string, string])[]; readonly next: readonly string[] }> {
  const { name } = await startBackend(backend)
  const loaded = await loadModelAt(address, options)
  const { network, details, notes } = loaded
  try {
    const start = performance.now()
    const outputs = await outputsOf(network)
    const milliseconds = Math.round(performance.now() - start)
    if (!outputs.every(Number.isFinite))
      throw new Error(`${address}: the outputs for one image must be finite; got ${outputs.find((value) => !Number.isFinite(value))}`)
    const report = {
      backend: name,
      structure: structureOf(network) as unknown as JsonObject,
      cost: costOf(network),
      details,
      notes,
      outputs,
      milliseconds,
    }
    return { ...report, lines: linesOf(address, loaded, report), next: nextAfter(address, loaded) }
  } finally {
    disposeNetwork(network)
  }
}

/** Of a wave that every machine makes alike. */
async function outputsOf(network: Network): Promise<number[]> {
  const { imageSize, channels } = network.embedding.geometry
  const [height, width] = sidesOf(imageSize)
  const pixels = Float32Array.from({ length: height * width * channels }, (_, i) => Math.sin(i * 0.37))
  const outputs = tidy(() => {
    const { logits, features } = forward(network, tensor4d(pixels, [1, height, width, channels]), { features: ['pooled'] })
    return network.head.classes > 0 ? logits.clone() : features.pooled!.clone()
  })
  const values = [...(await outputs.data())]
  outputs.dispose()
  return values
}

/** The report for people: what, and how it was understood. */
function linesOf(address: string, { network, details, notes }: LoadedModel, report: ModelReport): [string, string][] {
  const { embedding, blocks, head } = network
  const { geometry, tokens, prefixTokens, projectedFrom } = embedding
  const structure = structureOf(network)
  const { classToken = true, distillationToken = false, registerTokens = 0, embeddingNorm = false } = structure
  const { pooling = 'token', normAfterPooling = false, distillationHead = false } = structure
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`
  const ownPrefix = structure.embedding ? [count(prefixTokens, 'token')] : undefined
  const prefix = ownPrefix ?? [
    ...(classToken ? ['class token'] : []),
    ...(distillationToken ? ['distillation token'] : []),
    ...(registerTokens > 0 ? [count(registerTokens, 'register')] : []),
  ]
  const { macs, parameters, memory } = report.cost
  const { classNames, preprocessing, normalisation } = details as { readonly classNames?: readonly string[] } & JsonObject
  const named = (i: number) => (classNames ? `${classNames[i]} ` : `class ${i} `)
  const highest = report.outputs.map((value, i) => [value, i] as const).sort(([a], [b]) => b - a)
  const shown =
    head.classes > 0
      ? highest.slice(0, 5).map(([value, i]) => `${named(i)}${value.toFixed(4)}`)
      : report.outputs.slice(0, 5).map((value) => value.toFixed(4))
  return [
    ['model', address],
    [
      'images',
      `${sizeText(geometry.imageSize)} x ${geometry.channels}, ${gridOf(geometry).join(' x ')} patches of ${sizeText(geometry.patchSize)}`,
    ],
    [
      'tokens',
      `${[...prefix, count(tokens - prefixTokens, 'patch').replace('patchs', 'patches')].join(', ')}${embeddingNorm ? ', normalised' : ''}${projectedFrom ? `, mapped from width ${projectedFrom}` : ''}: ${tokens}`,
    ],
    ['blocks', blocksText(blocks)],
    [
      'pooling',
      structure.head
        ? `that of the head '${structure.head.kind}'`
        : `${poolingText[pooling]}${normAfterPooling ? ', then the layer norm' : ''}${distillationHead ? '; a second head by the distillation token' : ''}`,
    ],
    [
      'classes',
      head.classes === 0
        ? 'none: features alone'
        : `${head.classes}${classNames ? ` (${classNames.slice(0, 3).join(', ')}${classNames.length > 3 ? ', ...' : ''})` : ''}`,
    ],
    ['cost', `${formatCount(macs)} MACs, ${formatCount(parameters)} parameters, ${formatCount(memory)}B of memory`],
    ['preprocessing', preprocessing ? JSON.stringify(preprocessing) : normalisation ? JSON.stringify(normalisation) : 'not stated'],
    ...notes.map((note): [string, string] => ['note', note]),
    [
      'one image',
      `a drawn wave on ${report.backend}, ${report.milliseconds} ms with the first start: ${shown.join(', ')}${report.outputs.length > 5 ? ', ...' : ''}`,
    ],
  ]
}

/** What can be made of the model. */
function nextAfter(address: string, { details }: LoadedModel): string[] {
  const images = details.dataset === 'Fashion-MNIST' ? [] : ['--images', 'photos']
  return [
    commandText('cut', address, ...images, '--list'),
    commandText('run', '--images', 'photos', '--ancestor', address, '--out', freeName('runs/smaller')),
  ]
}

const poolingText = {
  token: 'the class token',
  average: 'the average of the patches',
  tokenAverage: 'the class token beside the average of the patches',
  attention: 'attention to the patches',
} as const

/** Blocks that are alike in a run, one line: `12 x transformer {...}`. */
function blocksText(blocks: Network['blocks']): string {
  const runs: { text: string; length: number }[] = []
  for (const { kind, config } of blocks) {
    const text = `${kind} ${Object.entries(config)
      .map(([key, value]) => `${key} ${typeof value === 'number' && value < 1e-3 ? value.toExponential() : value}`)
      .join(', ')}`
    const last = runs.at(-1)
    if (last?.text === text) last.length++
    else runs.push({ text, length: 1 })
  }
  return runs.map(({ text, length }) => `${length} x ${text}`).join('; ')
}
