import type { JsonObject, Rng } from '@learngene/interfaces'
import type { AffineMap, Block, Parameters } from '@learngene/interfaces/tensors'
import { linear } from '@learngene/ops'
import {
  add,
  clone,
  customGrad,
  matMul,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core'
import { requireArguments } from './arguments.js'
import { integerIn } from './config.js'
import { constant, parameter, truncatedNormal } from './parameters.js'

export type { AffineMap }

export interface StitchConfig {
  /** D_s, the width of the tier that is left. */
  readonly inputWidth: number
  /** D_t, the width of the tier that is entered. */
  readonly outputWidth: number
}

export interface LoraStitchConfig extends StitchConfig {
  /** r, the rank of the update. */
  readonly rank: number
}

/**
 * A stitch: the linear map with bias that carries all tokens from one tier to another (SN-Net, section 3.2), [B, N, D_s] -> [B, N, D_t].
 * It is a block like any other, so a descendant is a plain sequence of blocks.
 *
 * @throws when a width is not a positive integer
 */
export function createStitch(config: JsonObject | StitchConfig, rng: Rng): Block {
  const { inputWidth, outputWidth } = stitchWidths(config)
  requireArguments('createStitch', { rng: ['rng', rng] })
  return stitchWith(truncatedNormal(rng, [outputWidth, inputWidth]), constant(0, [outputWidth]))
}

/** A stitch that starts as the given map. */
export function stitchFrom({ inputs, outputs, weight, bias }: AffineMap): Block {
  return stitchWith(parameter(weight, [outputs, inputs]), parameter(bias, [outputs]))
}

/** Weight [D_t, D_s] and bias [D_t]. */
function stitchWith(weight: Variable, bias: Variable): Block {
  const [outputWidth, inputWidth] = weight.shape as [number, number]
  return {
    kind: 'stitch',
    config: { inputWidth, outputWidth },
    inputWidth,
    outputWidth,
    parameters: { weight, bias },
    macs: (tokens) => tokens * inputWidth * outputWidth,
    liveFloats: (tokens) => tokens * (inputWidth + outputWidth),
    forward: (x: Tensor3D) => linear(x, weight as unknown as Tensor2D, bias as unknown as Tensor1D), // [B, N, D_t]
  }
}

/** Gives a stitch new values, in its own way where it has one. @throws when the widths differ, or it has neither `assign` nor parameters `weight` and `bias` of the map's shapes */
export function assignStitch(stitch: Block, map: AffineMap): void {
  requireArguments('assignStitch', { stitch: ['object', stitch], map: ['object', map] })
  if (map.inputs !== stitch.inputWidth || map.outputs !== stitch.outputWidth) {
    throw new Error(
      `assignStitch: the stitch maps ${stitch.inputWidth} to ${stitch.outputWidth}; the affine map goes from ${map.inputs} to ${map.outputs}`,
    )
  }
  if (stitch.assign) {
    stitch.assign(map)
    return
  }
  const parts = [
    ['weight', map.weight, [map.outputs, map.inputs]],
    ['bias', map.bias, [map.outputs]],
  ] as const
  for (const [name, , shape] of parts) {
    const has = stitch.parameters[name]?.shape
    if (has?.join() === shape.join()) continue
    throw new Error(
      `assignStitch: a stitch must have a parameter '${name}' of shape [${shape}], or its own assign(map); the '${stitch.kind}' has ${has ? `one of [${has}]` : 'none'}`,
    )
  }
  for (const [name, values, shape] of parts) {
    const value = tensor(values, [...shape], 'float32')
    stitch.parameters[name]!.assign(value)
    value.dispose()
  }
}

/**
 * The stitch of SN-Netv2 (Pan et al. 2024, arXiv 2307.00154): a frozen map W0, c and a trained update of rank r (LoRA, Hu et al. 2022,
 * arXiv 2106.09685), y = (W0 + B A) x + c. B starts at zero, so the stitch starts as W0. `weight` and `bias` get no gradient;
 * `lora_a` [r, D_s] and `lora_b` [D_t, r] do. The update is merged before the tokens are mapped: one product of r D_s D_t, whatever
 * the number of tokens.
 *
 * @throws when a width or the rank is not a positive integer, or the rank exceeds a width
 */
export function createLoraStitch(config: JsonObject | LoraStitchConfig, rng: Rng): Block {
  const { inputWidth, outputWidth } = stitchWidths(config)
  requireArguments('loraStitch', { rng: ['rng', rng] })
  const rank = integerIn(config, 'rank')
  const most = Math.min(inputWidth, outputWidth)
  if (rank > most) {
    throw new Error(
      `loraStitch: 'rank' must be an integer from 1 to ${most}, the smaller of widths ${inputWidth} and ${outputWidth}; got ${rank}`,
    )
  }
  const parameters = {
    weight: truncatedNormal(rng, [outputWidth, inputWidth]),
    bias: constant(0, [outputWidth]),
    lora_a: truncatedNormal(rng, [rank, inputWidth], 1 / Math.sqrt(inputWidth)),
    lora_b: constant(0, [outputWidth, rank]),
  }
  const forward = (x: Tensor3D) => tidy(() => linear(x, mergedWeight(parameters, frozen), frozen(parameters.bias) as unknown as Tensor1D)) // [B, N, D_t]
  const stitch: Block = {
    kind: 'loraStitch',
    config: { inputWidth, outputWidth, rank },
    inputWidth,
    outputWidth,
    parameters,
    macs: (tokens) => tokens * inputWidth * outputWidth + rank * inputWidth * outputWidth,
    liveFloats: (tokens) => tokens * (inputWidth + outputWidth) + inputWidth * outputWidth,
    forward,
    merge: () => mergeLora(stitch),
  }
  return stitch
}

/**
 * The plain stitch that a LoRA stitch has become, W0 + B A: the same logits without the update's cost.
 *
 * @returns a stitch with weights of its own
 * @throws when the block is no LoRA stitch
 */
export async function mergeLora(stitch: Block): Promise<Block> {
  requireArguments('mergeLora', { stitch: ['object', stitch] })
  const { kind, inputWidth, outputWidth, parameters } = stitch
  if (kind !== 'loraStitch') throw new Error(`mergeLora: the block must be a loraStitch; got a '${kind}'`)
  const sum = tidy(() => mergedWeight(parameters))
  const [weight, bias] = await Promise.all([sum.data<'float32'>(), parameters.bias!.data<'float32'>()])
  sum.dispose()
  return stitchFrom({ inputs: inputWidth, outputs: outputWidth, weight, bias })
}

/** W0 + B A [D_t, D_s] */
function mergedWeight({ weight, lora_a, lora_b }: Parameters, hold = (weight: Tensor) => weight): Tensor2D {
  return add(hold(weight!), matMul(lora_b as unknown as Tensor2D, lora_a as unknown as Tensor2D))
}

/** The same values as a constant, through which no gradient goes. */
function frozen(x: Tensor): Tensor {
  return customGrad(() => ({ value: clone(x), gradFunc: () => [] }))()
}

function stitchWidths(config: JsonObject | StitchConfig): StitchConfig {
  requireArguments('stitch', { config: ['object', config] })
  return { inputWidth: integerIn(config, 'inputWidth'), outputWidth: integerIn(config, 'outputWidth') }
}
