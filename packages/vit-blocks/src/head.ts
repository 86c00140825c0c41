import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { layerNorm, linear } from '@learngene/ops'
import { addN, mul, reshape, slice, type Tensor1D, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { integerIn, numberIn } from './config.js'
import { constant, type ReadWeight, truncatedNormal } from './parameters.js'

/** Classifies by the class token: final layer norm, then a linear map. With a distillation head, token 1 has a map of its own and both logits are averaged. */
export interface Head {
  /** D */
  readonly width: number
  /** C */
  readonly classes: number
  readonly epsilon: number
  /** Whether a second linear map reads token 1, the distillation token, and the logits are the mean of both (arXiv 2012.12877, section 4). */
  readonly distillationHead: boolean
  readonly parameters: Parameters
  /** The final layer norm of all tokens, as the reference implementations run it: 5 N D. */
  normaliseMacs(tokens: number): number
  /** The final layer norm and the linear maps, C D each. */
  macs(tokens: number): number
  liveFloats(tokens: number): number
  /** [B, N, D] -> [B, N, D] */
  normalise(x: Tensor3D): Tensor3D
  /** [B, N, D] -> logits [B, C]. Normalises only the tokens that it classifies by: the others do not reach the logits. */
  forward(x: Tensor3D): Tensor2D
}

export interface HeadOptions {
  /** Whether a second linear map classifies by the distillation token; default false. */
  readonly distillationHead?: boolean
  /** Where `forward` takes its weights from; default the part's own parameters. */
  readonly read?: ReadWeight
}

/** @throws when width, classes or epsilon is not positive */
export function createHead(
  width: number,
  classes: number,
  rng: Rng,
  epsilon = 1e-6,
  { distillationHead = false, read }: HeadOptions = {},
): Head {
  integerIn({ width }, 'width')
  integerIn({ classes }, 'classes')
  numberIn({ epsilon }, 'epsilon')
  const parameters: Parameters = {
    'norm.weight': constant(1, [width]),
    'norm.bias': constant(0, [width]),
    'head.weight': truncatedNormal(rng, [classes, width]),
    'head.bias': constant(0, [classes]),
    ...(distillationHead && { 'head_dist.weight': truncatedNormal(rng, [classes, width]), 'head_dist.bias': constant(0, [classes]) }),
  }
  const weight = read ?? ((name) => parameters[name]!)
  const vector = (name: string) => weight(name) as Tensor1D
  const normalise = <T extends Tensor2D | Tensor3D>(x: T): T =>
    tidy(() => layerNorm(x, vector('norm.weight'), vector('norm.bias'), epsilon))
  const maps = distillationHead ? ['head', 'head_dist'] : ['head']
  const classify = (x: Tensor3D, map: string, token: number): Tensor2D =>
    tidy(() => {
      const [images] = x.shape
      const classified = reshape(slice(x, [0, token, 0], [images, 1, width]), [images, width]) as Tensor2D // [B, D]
      return linear(normalise(classified), weight(`${map}.weight`) as Tensor2D, vector(`${map}.bias`)) // [B, C]
    })
  const normaliseMacs = (tokens: number) => 5 * tokens * width
  return {
    width,
    classes,
    epsilon,
    distillationHead,
    parameters,
    normaliseMacs,
    macs: (tokens) => normaliseMacs(tokens) + maps.length * classes * width,
    liveFloats: (tokens) => tokens * width + (distillationHead ? classes + 2 * Math.max(width, classes) : width + Math.max(width, classes)),
    normalise,
    forward: (x) =>
      tidy(() => {
        const logits = maps.map((map, token) => classify(x, map, token)) // [B, C] each
        return logits.length === 1 ? logits[0]! : (mul(addN(logits), 1 / logits.length) as Tensor2D) // [B, C]
      }),
  }
}
