import { arrayDataset, imageSource } from '@learngene/datasets'
import type { ImageSource, Parameters } from '@learngene/interfaces/tensors'
import { accuracies, descendantsOf, fineTune, poolParameters } from '@learngene/learngene-pool'
import { classTargets, crossEntropy, linear } from '@learngene/ops'
import { descendantOf, type StitchedFamily, type StitchedPath } from '@learngene/stitch'
import { adamW, cosine, createRng, train } from '@learngene/training'
import { buildNetwork, disposeParameters, forward, type Head, type Network, structureOf } from '@learngene/vit-blocks'
import {
  addN,
  concat,
  dispose,
  mean,
  mul,
  reshape,
  type Scalar,
  slice,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from '@tensorflow/tfjs-core'
import type { FamilyManifest } from '../family.js'
import type { LiveFamily } from './live-family.js'
import type { Pixels, TeachStep } from './messages.js'

/** A picture of one of the visitor's own classes. */
export interface OwnPicture {
  readonly pixels: Pixels
  readonly label: number
}

export interface TeachControl {
  /** Waits while the visitor pauses, and lets answers and messages through. */
  readonly breathe: () => Promise<void>
  readonly signal: AbortSignal
  readonly report: (step: TeachStep) => void
}

const HEAD_STEPS = 150
const HEAD_RATE = 0.02
const DEEPER_STEPS = 120
const DEEPER_RATE = 4e-4
const BATCH = 16
/** Steps between two measurements of the accuracy. */
const MEASURE_EVERY = 10

/** Of each class every fifth picture is held back, one at least where there are three. */
export function heldBack(pictures: readonly OwnPicture[]): { readonly learned: OwnPicture[]; readonly held: OwnPicture[] } {
  const seen = new Map<number, number>()
  const total = new Map<number, number>()
  for (const { label } of pictures) total.set(label, (total.get(label) ?? 0) + 1)
  const [learned, held]: [OwnPicture[], OwnPicture[]] = [[], []]
  for (const picture of pictures) {
    const place = seen.get(picture.label) ?? 0
    seen.set(picture.label, place + 1)
    const isHeld = total.get(picture.label)! >= 3 && place % 5 === 2
    ;(isHeld ? held : learned).push(picture)
  }
  return { learned, held }
}

/** All parameters of a family: `TIER.NAME`, and `ID.NAME` of stitches. */
export const parametersOf = poolParameters

/** Parameters as numbers. */
export async function numbersOf(parameters: Parameters): Promise<Map<string, Float32Array>> {
  const entries = Object.entries(parameters).map(
    async ([name, parameter]) => [name, (await parameter.data()).slice() as Float32Array] as const,
  )
  return new Map(await Promise.all(entries))
}

/** Shares of the pictures that each path's network gets right. */
export function accuraciesOf(
  { stitched, manifest }: LiveFamily,
  paths: readonly StitchedPath[],
  held: readonly OwnPicture[],
  classes: readonly string[],
): Promise<number[]> {
  return accuracies(descendantsOf(stitched, paths), sourceOf(held, classes, manifest))
}

/** The visitor's pictures as a network takes them. */
export function sourceOf(
  pictures: readonly OwnPicture[],
  classes: readonly string[],
  { preprocessing }: FamilyManifest,
  augment = {},
): ImageSource {
  const { height, width, channels } = pictures[0]!.pixels
  const pixels = new Uint8Array(pictures.length * height * width * channels)
  for (const [i, picture] of pictures.entries()) pixels.set(picture.pixels.data, i * height * width * channels)
  const labels = Uint8Array.from(pictures, ({ label }) => label)
  const dataset = arrayDataset({ name: 'own pictures', imageShape: [height, width, channels], classes, pixels, labels })
  return imageSource(dataset, { mean: preprocessing.mean, std: preprocessing.std }, { augment })
}

/** A tier's head for other classes: a fresh classifier; its norm and its pooling stay. */
export function headFor(network: Network, classes: number, seed: string): Head {
  const fresh = buildNetwork(
    { ...structureOf(network), blocks: [], headWidth: network.embedding.width, classes },
    {},
    createRng(0).fork(seed),
  )
  disposeParameters(fresh.embedding.parameters)
  const { head } = fresh
  for (const [name, parameter] of Object.entries(head.parameters)) {
    if (!head.classifier.includes(name)) parameter.assign(network.head.parameters[name]!)
  }
  return head
}

/**
 * Trains the classifiers of all tiers on what their descendants give for the pictures, which is computed once. Blocks and stitches stay as they are.
 *
 * @param family with fresh heads
 * @param shown the path whose accuracy is told meanwhile
 */
export async function teachHeads(
  family: StitchedFamily,
  manifest: FamilyManifest,
  pictures: readonly OwnPicture[],
  classes: readonly string[],
  shown: StitchedPath,
  control: TeachControl,
): Promise<void> {
  const { learned, held } = heldBack(pictures)
  const source = sourceOf(learned, classes, manifest)
  const byTier = new Map<string, Tensor3D[]>()
  const made: Tensor[] = []
  try {
    for (const path of family.space.enumerate()) {
      const tier = path.path.segments.at(-1)!.tier
      const features = await featuresOf(descendantOf(family, path), source, control)
      made.push(features)
      byTier.set(tier, [...(byTier.get(tier) ?? []), features])
    }
    const labels = Array.from(learned, ({ label }) => label)
    const lessons = [...byTier].map(([tier, features]) => {
      const x = tidy(() => concat(features, 0)) // [paths n, T, D]
      const targets = tidy(() =>
        classTargets(
          features.flatMap(() => labels),
          classes.length,
        ),
      ) // [paths n, C]
      made.push(x, targets)
      return { tier, x, targets, head: family.tiers.find(({ name }) => name === tier)!.network.head }
    })
    const parameters: Parameters = Object.fromEntries(
      lessons.flatMap(({ tier, head }) =>
        Object.entries(head.parameters).flatMap(([name, value]) =>
          head.classifier.includes(name) ? [[`${tier}.${name}`, value] as const] : [],
        ),
      ),
    )
    const watch = watcher(descendantOf(family, shown), held, classes, manifest, control)
    await train<number | undefined, Record<string, never>>({
      parameters,
      steps: HEAD_STEPS,
      optimizer: adamW({ weightDecay: 0.01 }),
      learningRate: cosine({ base: HEAD_RATE, steps: HEAD_STEPS, warmup: 5, initial: 1e-3, final: 1e-4 }),
      prepare: watch.before,
      batch: () => ({}),
      loss: () => {
        const losses = lessons.map(({ x, targets, head }) => mean(crossEntropy(classify(head, x), targets)) as Scalar)
        return mul(addN(losses), 1 / losses.length) as Scalar
      },
      report: watch.report,
      signal: control.signal,
    })
    await watch.last()
  } finally {
    dispose(made)
  }
}

/** Logits [B, C] of what a head pooled [B, T, D]. */
function classify({ parameters }: Head, pooled: Tensor3D): Tensor2D {
  const maps = parameters['head_dist.weight'] ? ['head', 'head_dist'] : ['head']
  const [images, , width] = pooled.shape
  const logits = maps.map((map, token) => {
    const x = reshape(slice(pooled, [0, token, 0], [images, 1, width]), [images, width]) as Tensor2D
    return linear(x, parameters[`${map}.weight`] as unknown as Tensor2D, parameters[`${map}.bias`] as unknown as Tensor1D)
  })
  return logits.length === 1 ? logits[0]! : (mul(addN(logits), 1 / logits.length) as Tensor2D)
}

/** What a network's head pools of each picture [n, T, D]. */
async function featuresOf(network: Network, source: ImageSource, { breathe, signal }: TeachControl): Promise<Tensor3D> {
  const parts: Tensor3D[] = []
  try {
    for (let start = 0; start < source.length; start += BATCH) {
      await breathe()
      signal.throwIfAborted()
      const indices = Array.from({ length: Math.min(BATCH, source.length - start) }, (_, i) => start + i)
      const { images, targets } = await source.batch(indices)
      parts.push(tidy(() => forward(network, images, { features: ['pooled'] }).features.pooled!))
      dispose([images, targets])
    }
    return tidy(() => concat(parts, 0))
  } finally {
    dispose(parts)
  }
}

/** Trains blocks, stitches and classifiers of the whole family but for its ancestor, one path a step. */
export async function teachDeeper(
  family: StitchedFamily,
  manifest: FamilyManifest,
  pictures: readonly OwnPicture[],
  classes: readonly string[],
  shown: StitchedPath,
  control: TeachControl,
): Promise<void> {
  const { learned, held } = heldBack(pictures)
  const shift = Math.max(1, Math.round(manifest.preprocessing.size[0] / 28))
  const plain = sourceOf(learned, classes, manifest, { shift, flip: 0.5 })
  const watch = watcher(descendantOf(family, shown), held, classes, manifest, control)
  let step = 0
  const source: ImageSource = {
    ...plain,
    augmented: true,
    async batch(indices, context) {
      await watch.before(step++)
      return plain.batch(indices, context)
    },
  }
  const batchSize = Math.min(BATCH, learned.length)
  const perEpoch = Math.floor(learned.length / batchSize)
  const ancestor = manifest.tiers.filter((tier) => tier.ancestor && manifest.tiers.length > 1).map(({ name }) => name)
  await fineTune(
    family,
    source,
    {
      epochs: DEEPER_STEPS / perEpoch,
      batchSize,
      learningRate: DEEPER_RATE,
      weightDecay: 0.02,
      clipNorm: 1,
      frozen: ancestor,
      report: (event) => event.kind === 'progress' && watch.report(event),
      signal: control.signal,
    },
    createRng(1),
  )
  await watch.last()
}

interface Progress {
  readonly kind: string
  readonly done?: number
  readonly total?: number
  readonly metrics?: { readonly [name: string]: number }
}

/** Tells each step's loss, and every few steps the accuracy of the network that is shown on the pictures held back. */
function watcher(
  network: Network,
  held: readonly OwnPicture[],
  classes: readonly string[],
  manifest: FamilyManifest,
  control: TeachControl,
) {
  let accuracy: number | undefined
  let told: TeachStep | undefined
  const measure = async () => {
    if (held.length > 0) [accuracy] = await accuracies([network], sourceOf(held, classes, manifest))
  }
  return {
    async before(step: number): Promise<undefined> {
      await control.breathe()
      control.signal.throwIfAborted()
      if (step % MEASURE_EVERY === 0) await measure()
    },
    report({ done, total, metrics }: Progress): void {
      if (done === undefined || total === undefined || !metrics) return
      told = { step: done, steps: total, loss: metrics.loss!, ...(accuracy !== undefined && { accuracy }) }
      control.report(told)
    },
    async last(): Promise<void> {
      await measure()
      if (told) control.report({ ...told, ...(accuracy !== undefined && { accuracy }) })
    },
  }
}
