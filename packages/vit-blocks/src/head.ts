import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { layerNorm, linear } from '@learngene/ops'
import { reshape, slice, type Tensor1D, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { integerIn, numberIn } from './config.js'
import { constant, truncatedNormal } from './parameters.js'

/** Classifies by the class token: final layer norm, then a linear map. */
export interface Head {
  /** D */
  readonly width: number
  /** C */
  readonly classes: number
  readonly epsilon: number
  readonly parameters: Parameters
  /** The final layer norm of all tokens, as the reference implementations run it: 5 N D. */
  normaliseMacs(tokens: number): number
  /** The final layer norm and the linear map, C D. */
  macs(tokens: number): number
  liveFloats(tokens: number): number
  /** [B, N, D] -> [B, N, D] */
  normalise(x: Tensor3D): Tensor3D
  /** [B, N, D] -> logits [B, C]. Normalises the class token only: the others do not reach the logits. */
  forward(x: Tensor3D): Tensor2D
}

/** @throws when width, classes or epsilon is not positive */
export function createHead(width: number, classes: number, rng: Rng, epsilon = 1e-6): Head {
  integerIn({ width }, 'width')
  integerIn({ classes }, 'classes')
  numberIn({ epsilon }, 'epsilon')
  const parameters = {
    'norm.weight': constant(1, [width]),
    'norm.bias': constant(0, [width]),
    'head.weight': truncatedNormal(rng, [classes, width]),
    'head.bias': constant(0, [classes]),
  }
  const gamma = parameters['norm.weight'] as unknown as Tensor1D
  const beta = parameters['norm.bias'] as unknown as Tensor1D
  const normalise = <T extends Tensor2D | Tensor3D>(x: T): T => tidy(() => layerNorm(x, gamma, beta, epsilon))
  const normaliseMacs = (tokens: number) => 5 * tokens * width
  return {
    width,
    classes,
    epsilon,
    parameters,
    normaliseMacs,
    macs: (tokens) => normaliseMacs(tokens) + classes * width,
    liveFloats: (tokens) => tokens * width + width + Math.max(width, classes),
    normalise,
    forward: (x) =>
      tidy(() => {
        const [images] = x.shape
        const token = reshape(slice(x, [0, 0, 0], [images, 1, width]), [images, width]) as Tensor2D // [B, D]
        return linear(normalise(token), parameters['head.weight'] as unknown as Tensor2D, parameters['head.bias'] as unknown as Tensor1D) // [B, C]
      }),
  }
}
