import type { ByteSource } from '@learngene/interfaces'
import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { type AdamWConstants, adamW, adamWRow, classTargets, crossEntropy } from '@learngene/ops'
import {
  dispose,
  mean,
  reshape,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor4D,
  tensor,
  tensor2d,
  tensor4d,
  tidy,
  transpose,
  variableGrads,
} from '@tensorflow/tfjs-core'
import { disposeNetwork, forward, type Network, parametersOf } from '../network.js'
import { constant, disposeParameters } from '../parameters.js'
import type { FloatTensor } from '../safetensors/index.js'
import { buildNetwork } from '../structure.js'
import {
  type ByPart,
  prefixes,
  type Reference,
  type ReferencePart,
  readReference,
  referenceParts,
  referenceTolerances,
} from './read-reference.js'

export interface ReferenceCheck {
  /**
   * Outputs and gradients: largest relative error ||a - b|| / ||b|| of a tensor. AdamW: largest |a - b| of a component in units of what gradients within
   * their tolerance, and rounding, explain ({@link adamWBound}). Infinite where something came out that is not finite.
   */
  readonly errors: ByPart<number>
  readonly tolerances: ByPart<number>
  /** Whether no error is above its tolerance. */
  readonly pass: boolean
  /** The tensors that have the largest errors, by their names in the file. */
  readonly worst: ByPart<string>
}

/** As the reference files' metadata say. */
const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }

const rates = { learningRate: 1e-3, weightDecay: 0.05 }

const steps = 3

/**
 * Runs what a reference file describes on the current backend and compares: a ViT's intermediates, logits and cross entropy, the gradients of all
 * parameters, and the parameters after three AdamW steps (learning rate 1e-3, betas 0.9 and 0.999, epsilon 1e-8, weight decay 0.05 on
 * every parameter). The key third of each `attn.qkv.bias` is left out of the gradients and of the steps: its gradient is rounding noise.
 *
 * The file is safetensors with timm's names and PyTorch's layouts: `param/*`, `in/images` [B, channels, height, width], `in/labels` [B], `out/patch_embed`,
 * `out/blocks.N`, `out/blocks.N.attn` (before the residual), `out/norm`, `out/logits`, `out/loss` [1] (mean over the images), `grad/*`, `adamw3/*`;
 * metadata `config` holds the arguments of timm's VisionTransformer as JSON.
 *
 * @param options.name names the file in errors
 * @throws SafetensorsError when the file is broken, its config is not understood, or a tensor is missing, extra, misshapen or not finite, naming it
 */
export async function checkReference(source: ByteSource | Uint8Array, options: { readonly name?: string } = {}): Promise<ReferenceCheck> {
  const reference = await readReference(source, options.name ?? 'reference')
  await import('@learngene/ops/gradients')
  const found = await run(reference)
  const compared = byPart((part) => {
    const bounds = part === 'adamw' ? found.bounds : undefined
    return largestError(found[part], reference.expected[part], prefixes[part], bounds)
  })
  const errors = byPart((part) => compared[part].error)
  return {
    errors,
    tolerances: referenceTolerances,
    pass: referenceParts.every((part) => errors[part] <= referenceTolerances[part]),
    worst: byPart((part) => compared[part].tensor),
  }
}

const byPart = <T>(value: (part: ReferencePart) => T): ByPart<T> => ({
  outputs: value('outputs'),
  gradients: value('gradients'),
  adamw: value('adamw'),
})

type Values = ReadonlyMap<string, Float32Array>

function largestError(
  found: Values,
  expected: ReadonlyMap<string, FloatTensor>,
  prefix: string,
  bounds?: ReadonlyMap<string, Float64Array>,
): { error: number; tensor: string } {
  let largest = { error: -1, tensor: '' }
  for (const [name, { data }] of expected) {
    const [a, b] = [found.get(name)!, data].map((values) => withoutKeyBias(name, values)) as [Float32Array, Float32Array]
    const error = bounds ? boundedError(a, b, withoutKeyBias(name, bounds.get(name)!)) : relativeError(a, b)
    if (error > largest.error) largest = { error, tensor: prefix + name }
  }
  return largest
}

async function run({
  structure,
  images: { data, shape },
  labels,
  parameters,
  expected,
}: Reference): Promise<ByPart<Values> & { readonly bounds: ReadonlyMap<string, Float64Array> }> {
  const network = buildNetwork(structure)
  const images = tidy(() => transpose(tensor4d(data, shape as Tensor4D['shape']), [0, 2, 3, 1])) // [B, height, width, channels]
  try {
    const trained = parametersOf(network)
    tidy(() => {
      for (const [name, parameter] of Object.entries(trained)) parameter.assign(tensor(parameters.get(name)!.data, parameter.shape))
    })
    const outputs = await takeValues(outputsOf(network, images, labels))
    const gradients = await takeValues(gradientsOf(network, images, labels))
    const stepGradients = await takeSteps(network, images, labels, expected.gradients)
    const adamw = await valuesOf(trained)
    const bounds = new Map(
      [...adamw].map(([name, values]) => [
        name,
        adamWBound(
          stepGradients.map((step) => step.get(name)!),
          values,
          { ...rates, ...constants },
        ),
      ]),
    )
    return { outputs, gradients, adamw, bounds }
  } finally {
    images.dispose()
    disposeNetwork(network)
  }
}

/** By the file's names. */
function outputsOf(network: Network, images: Tensor4D, labels: readonly number[]): NamedTensors {
  const features = new Map([
    ['patch_embed', 'patch_embed'],
    ...network.blocks.flatMap((_, i) => [[`attn.${i}`, `blocks.${i}.attn`] as const, [`block.${i}`, `blocks.${i}`] as const]),
    ['norm', 'norm'],
  ])
  return tidy(() => {
    const result = forward(network, images, { features: [...features.keys()] })
    const named = [...features].map(([feature, name]) => [name, result.features[feature]!] as const)
    return { ...Object.fromEntries(named), logits: result.logits, loss: reshape(meanLoss(result.logits, labels), [1]) }
  })
}

function gradientsOf(network: Network, images: Tensor4D, labels: readonly number[]): NamedTensors {
  const trained = parametersOf(network)
  const { value, grads } = variableGrads(() => meanLoss(forward(network, images).logits, labels), Object.values(trained))
  value.dispose()
  return Object.fromEntries(Object.entries(trained).map(([name, parameter]) => [name, grads[parameter.name]!]))
}

/**
 * Takes the steps and returns the gradients of each. The first step takes the reference's own gradients, which are checked by themselves: of components
 * that are nearly zero the sign is rounding, and a step into the other direction would change all that follows.
 */
async function takeSteps(
  network: Network,
  images: Tensor4D,
  labels: readonly number[],
  firstGradients: ReadonlyMap<string, FloatTensor>,
): Promise<Values[]> {
  const trained = parametersOf(network)
  const zeros = () => Object.fromEntries(Object.entries(trained).map(([name, { shape }]) => [name, constant(0, shape)]))
  const [m, v] = [zeros(), zeros()]
  const taken: Values[] = []
  try {
    for (let step = 1; step <= steps; step++) {
      const gradients = step === 1 ? tensorsOf(firstGradients) : gradientsOf(network, images, labels)
      const slots = Object.entries(trained).map(([name, parameter]) => {
        return { parameter, gradient: gradients[name]!, m: m[name]!, v: v[name]!, row: 0 }
      })
      tidy(() => adamW(slots, tensor2d([adamWRow({ ...rates, step }, constants), [1, 0, 0, 0]]), constants))
      taken.push(await takeValues(gradients))
    }
    return taken
  } finally {
    disposeParameters(m)
    disposeParameters(v)
  }
}

function tensorsOf(values: ReadonlyMap<string, FloatTensor>): NamedTensors {
  return Object.fromEntries([...values].map(([name, { data, shape }]) => [name, tensor(data, [...shape], 'float32')]))
}

function meanLoss(logits: Tensor2D, labels: readonly number[]): Scalar {
  return tidy(() => mean(crossEntropy(logits, classTargets(labels, logits.shape[1]))))
}

async function valuesOf(tensors: Parameters | NamedTensors): Promise<Values> {
  const named = Object.entries<Tensor>(tensors).map(async ([name, value]) => [name, (await value.data()) as Float32Array] as const)
  return new Map(await Promise.all(named))
}

/** Reads the values and frees the tensors. */
async function takeValues(tensors: NamedTensors): Promise<Values> {
  try {
    return await valuesOf(tensors)
  } finally {
    dispose(tensors)
  }
}

/** ||a - b|| / ||b|| over all elements, in float64; infinite where it is not a number or the lengths differ, 0 where both are zero. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let difference = 0
  let norm = 0
  for (let i = 0; i < b.length; i++) {
    difference += (a[i]! - b[i]!) ** 2
    norm += b[i]! ** 2
  }
  if (difference === 0) return 0
  const error = Math.sqrt(difference / norm)
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
}

/**
 * The values of a parameter or gradient that can be compared: all, but of a bias of queries, keys and values only the queries' and values' thirds.
 * Softmax ignores a shift by the keys' bias, so its gradient is zero but for rounding, which AdamW blows up to steps of full size.
 */
export function withoutKeyBias<T extends Float32Array | Float64Array>(name: string, values: T): T {
  if (!name.endsWith('attn.qkv.bias')) return values
  const width = values.length / 3
  return values.filter((_, i) => i < width || i >= 2 * width) as T
}

/** The largest |a - b| / bound of a component; infinite where something is not a number or the lengths differ. */
export function boundedError(a: ArrayLike<number>, b: ArrayLike<number>, bounds: ArrayLike<number>): number {
  if (a.length !== b.length || bounds.length !== b.length) return Number.POSITIVE_INFINITY
  let largest = 0
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    const error = difference === 0 ? 0 : difference / bounds[i]!
    if (!(error <= largest)) largest = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error
  }
  return largest
}

/** Roundings of float32 that the two sides' steps may make of a parameter and of an update, in units of 2^-24: some five operations a step each. */
const roundings = 32

/** The distance that a step's update can have from another one: each is at most 1 but for the moments' different memories. */
const farthest = 2.1

/**
 * How far each component of a parameter may be from the reference after AdamW's steps, where both are right.
 *
 * Adam divides a gradient by its own size, u = m / (sqrt(v) + epsilon), so that a component moves by about the learning rate however small its gradient is.
 * Where that is nearly zero beside those of its tensor, it is rounding, its sign open, and the update anything: an error there says nothing, and a mean over
 * the tensor shows just that. So the error that a gradient may have, e = tolerance (|g| + rms of the tensor's gradient), is carried through the update,
 * component by component: to first order sum_i |du / dg_i| e_i, to second 2 (e / (sqrt(v) + epsilon))^2, and at most from one full update to the opposite. A
 * component of usual size may then differ by some 1e-5 of an update, one below the noise by all of it.
 *
 * @param gradients of each step, all components; the first has no error, being the reference's own
 * @param parameter the values after the steps, whose size gives the rounding
 */
export function adamWBound(
  gradients: readonly Float32Array[],
  parameter: Float32Array,
  { learningRate, beta1, beta2, epsilon }: AdamWConstants & { readonly learningRate: number },
): Float64Array {
  const tolerances = gradients.map((_, i) => (i === 0 ? 0 : referenceTolerances.gradients))
  const typical = gradients.map(rootMeanSquare)
  const weights = gradients.map((_, t) => {
    const [, , mCorrection, vCorrection] = adamWRow({ learningRate, weightDecay: 0, step: t + 1 }, { beta1, beta2, epsilon })
    const memory = (beta: number, correction: number) => Array.from({ length: t + 1 }, (_, i) => (1 - beta) * beta ** (t - i) * correction)
    return { first: memory(beta1, mCorrection), second: memory(beta2, vCorrection) }
  })
  return Float64Array.from(parameter, (value, k) => {
    let bound = roundings * 2 ** -24 * (Math.abs(value) + learningRate * gradients.length)
    for (const { first, second } of weights) {
      let [m, v] = [0, 0]
      for (const [i, weight] of first.entries()) {
        const g = gradients[i]![k]!
        m += weight * g
        v += second[i]! * g * g
      }
      const root = Math.sqrt(v)
      const size = root + epsilon
      let [linear, largest] = [0, 0]
      for (const [i, weight] of first.entries()) {
        const g = gradients[i]![k]!
        const error = tolerances[i]! * (typical[i]! + Math.abs(g))
        const throughRoot = root === 0 ? 0 : (m * second[i]! * g) / (size * size * root)
        linear += Math.abs(weight / size - throughRoot) * error
        largest = Math.max(largest, error)
      }
      bound += learningRate * Math.min(farthest, linear + 2 * (largest / size) ** 2)
    }
    return bound
  })
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
}
