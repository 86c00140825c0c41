import type { ByteSource } from '@learngene/interfaces'
import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { adamW, adamWRow, classTargets, crossEntropy } from '@learngene/ops'
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
import { adamWBound } from './adamw-bound.js'
import { prefixes, type Reference, readReference } from './read-reference.js'
import { boundedError, relativeError, withoutKeyBias } from './relative-error.js'
import { type ByPart, type ReferencePart, referenceParts, referenceTolerances } from './tolerances.js'

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
      tidy(() => adamW(slots, tensor2d([adamWRow({ ...rates, step }, constants)]), constants))
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
