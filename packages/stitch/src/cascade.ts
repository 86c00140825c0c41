import type { Cost } from '@learngene/interfaces'
import {
  costOf,
  countParameters,
  describe,
  forward,
  type Network,
  parametersOf,
  requireArguments,
  runBlocks,
  sidesOf,
} from '@learngene/vit-blocks'
import { gather, type Tensor2D, type Tensor3D, type Tensor4D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core'

/** How sure a network is of its answer, from the logits [C] of one image; higher is surer. */
export type ConfidenceOf = (logits: ArrayLike<number>) => number

/** The confidences that files may name. Softmax probabilities p of C classes. */
export const confidences = {
  /** The largest p. */
  probability: (logits) => {
    const highest = largest(logits)
    let sum = 0
    for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - highest)
    return 1 / sum
  },
  /** The largest p less the second largest. */
  margin: (logits) => {
    const [first = Number.NaN, second = 0] = probabilitiesOf(logits).sort((a, b) => b - a)
    return first - second
  },
  /** 1 + sum of p log p / log C: 1 less the share of the entropy that a network without a clue has. */
  entropy: (logits) =>
    1 + probabilitiesOf(logits).reduce((sum, p) => sum + (p === 0 ? 0 : p * Math.log(p)), 0) / Math.log(Math.max(2, logits.length)),
} as const satisfies { readonly [name: string]: ConfidenceOf }

export type ConfidenceName = keyof typeof confidences

/** A confidence by a name that files keep. */
export interface Confidence {
  readonly name: string
  readonly of: ConfidenceOf
}

/** Two networks, of which the large one answers where the small one is not sure enough. */
export interface Cascade {
  readonly small: Network
  readonly large: Network
  /** The small network's answer counts where its confidence is at least this. */
  readonly threshold: number
  readonly confidence: Confidence
}

/**
 * A cascade of two networks. Where they begin with the same embedding and the same blocks (by identity), as descendants of one pool do, those run once.
 *
 * @param confidence a standard one by its name, default `probability`, or one of the user's own
 * @throws when the networks do not take the same images or tell the same number of classes apart, or the threshold is no number
 */
export function cascade(
  small: Network,
  large: Network,
  threshold: number,
  confidence: ConfidenceName | Confidence = 'probability',
): Cascade {
  requireArguments('cascade', { small: ['network', small], large: ['network', large] })
  if (!Number.isFinite(threshold)) throw new Error(`cascade: threshold must be a finite number; got ${describe(threshold)}`)
  const shape = ({ embedding, head }: Network) =>
    `${sidesOf(embedding.geometry.imageSize).join(' x ')} x ${embedding.geometry.channels} and ${head.classes} classes`
  if (shape(small) !== shape(large))
    throw new Error(
      `cascade: both networks must take images of one size and tell the same classes apart; got ${shape(small)}, ${shape(large)}`,
    )
  if (small.head.classes === 0) throw new Error('cascade: both networks must have a classifier; they give features alone')
  return { small, large, threshold, confidence: confidenceNamed(confidence) }
}

/** @throws when there is no such confidence */
export function confidenceNamed(confidence: string | Confidence, own: { readonly [name: string]: ConfidenceOf } = {}): Confidence {
  if (typeof confidence === 'object' && typeof confidence?.of === 'function' && typeof confidence.name === 'string') return confidence
  const known: { readonly [name: string]: ConfidenceOf } = { ...confidences, ...own }
  if (typeof confidence !== 'string' || !Object.hasOwn(known, confidence))
    throw new Error(
      `cascade: a confidence must be ${Object.keys(known).join(', ')}, or { name, of(logits) }; got ${describe(confidence)}: pass its function as { confidences: { NAME: (logits) => number } }`,
    )
  return { name: confidence, of: known[confidence]! }
}

/** How many blocks at their beginning two networks share; -1 where not even the embedding. */
export function sharedFront(a: Network, b: Network): number {
  if (a.embedding !== b.embedding) return -1
  const differs = a.blocks.findIndex((block, i) => block !== b.blocks[i])
  return differs < 0 ? a.blocks.length : differs
}

/** MACs of the embedding and blocks that two networks share at their beginning. */
export function sharedFrontMacs(a: Network, b: Network): number {
  const { tokens } = a.embedding
  const shared = sharedFront(a, b)
  return shared < 0 ? 0 : a.blocks.slice(0, shared).reduce((sum, block) => sum + block.macs(tokens), a.embedding.macs())
}

/**
 * What a cascade costs for one image on average: the small network's MACs, and for the share that is passed on those that the large one adds; parameters of both, what they share once;
 * memory for the larger of the two runs.
 *
 * @param passedOn the share of images that the large network answers, 0 to 1
 */
export function costOfCascade({ small, large }: Pick<Cascade, 'small' | 'large'>, passedOn: number): Cost {
  const parameters = countParameters(Object.fromEntries([...uniqueParameters(small, large)].map((tensor, i) => [i, tensor])))
  const shared = sharedFront(small, large)
  const { tokens, width } = small.embedding
  // The front's output waits while the small network goes on.
  const kept = shared < 0 ? 0 : tokens * (shared === 0 ? width : small.blocks[shared - 1]!.outputWidth)
  const [alone, other] = [costOf(small), costOf(large)]
  const live = Math.max(liveFloats(alone) + kept, liveFloats(other))
  return {
    macs: alone.macs + passedOn * (other.macs - sharedFrontMacs(small, large)),
    parameters,
    memory: 4 * (parameters + live),
  }
}

const uniqueParameters = (small: Network, large: Network) =>
  new Set([small, large].flatMap((network) => Object.values(parametersOf(network))))

/** What of a network's memory is not its parameters, of 4 bytes each. */
const liveFloats = ({ memory, parameters }: Cost) => memory / 4 - parameters

/**
 * Runs a cascade: the small network on all images, the large one on those of which the small one is not sure, from where the two part.
 *
 * @param images normalised pixels [B, height, width, channels]
 * @returns logits [B, C], to be disposed by the caller, and the images that were passed on, ascending
 */
export async function forwardCascade(
  { small, large, threshold, confidence }: Cascade,
  images: Tensor4D,
): Promise<{ readonly logits: Tensor2D; readonly passedOn: readonly number[] }> {
  const shared = sharedFront(small, large)
  const run = ({ blocks, head }: Network, front: Tensor3D) => head.forward(runBlocks(blocks.slice(shared), front))
  const { front, first } = tidy((): { front?: Tensor3D; first: Tensor2D } => {
    if (shared < 0) return { first: forward(small, images).logits }
    const front = runBlocks(small.blocks.slice(0, shared), small.embedding.forward(images)) // [B, N, D]
    return { front, first: run(small, front) }
  })
  try {
    const classes = small.head.classes
    const values = (await first.data<'float32'>()).slice()
    const passedOn = Array.from({ length: images.shape[0] }, (_, i) => i).filter(
      // What is not a number is no confidence.
      (i) => !(confidence.of(values.subarray(i * classes, (i + 1) * classes)) >= threshold),
    )
    if (passedOn.length > 0) {
      const second = tidy(() => {
        const chosen = <T extends Tensor3D | Tensor4D>(x: T): T =>
          passedOn.length === images.shape[0] ? x : gather(x, tensor1d(passedOn, 'int32'))
        return front ? run(large, chosen(front)) : forward(large, chosen(images)).logits // [passed on, C]
      })
      const answers = await second.data<'float32'>()
      second.dispose()
      for (const [k, i] of passedOn.entries()) values.set(answers.subarray(k * classes, (k + 1) * classes), i * classes)
    }
    return { logits: tensor2d(values, [images.shape[0], classes], 'float32'), passedOn }
  } finally {
    front?.dispose()
    first.dispose()
  }
}

/** Frees the trained tensors of both networks, what they share once. Not for networks that share them with a pool. */
export function disposeCascade({ small, large }: Pick<Cascade, 'small' | 'large'>): void {
  for (const parameter of uniqueParameters(small, large)) parameter.dispose()
}

function largest(values: ArrayLike<number>): number {
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) return Number.NaN
    if (values[i]! > highest) highest = values[i]!
  }
  return highest
}

function probabilitiesOf(logits: ArrayLike<number>): number[] {
  const highest = largest(logits)
  const powers = Array.from(logits, (value) => Math.exp(value - highest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
