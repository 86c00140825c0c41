import type { JsonObject, Rng } from '@learngene/interfaces'
import type { Block } from '@learngene/interfaces/tensors'
import { linear } from '@learngene/ops'
import { parameter, truncatedNormal } from '@learngene/vit-blocks'
import { type Tensor1D, type Tensor2D, type Tensor3D, tensor, type Variable } from '@tensorflow/tfjs-core'
import type { AffineMap } from './affine-map.js'
import { requireArguments } from './arguments.js'

export interface StitchConfig {
  /** D_s, the width of the tier that is left. */
  readonly inputWidth: number
  /** D_t, the width of the tier that is entered. */
  readonly outputWidth: number
}

/** Reads the widths of a stitch's configuration. @throws when one is not a positive integer */
export function stitchWidths(config: JsonObject | StitchConfig): StitchConfig {
  requireArguments('stitch', { config: ['object', config] })
  const { inputWidth, outputWidth } = config as unknown as StitchConfig
  for (const [name, width] of Object.entries({ inputWidth, outputWidth })) {
    if (!Number.isInteger(width) || width < 1) throw new Error(`stitch: '${name}' must be a positive integer; got ${width}`)
  }
  return { inputWidth, outputWidth }
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
  return stitchWith(truncatedNormal(rng, [outputWidth, inputWidth]), parameter(new Float32Array(outputWidth), [outputWidth]))
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

/** Gives a stitch new values. @throws when the widths differ */
export function assignStitch(stitch: Block, map: AffineMap): void {
  requireArguments('assignStitch', { stitch: ['object', stitch], map: ['object', map] })
  if (map.inputs !== stitch.inputWidth || map.outputs !== stitch.outputWidth) {
    throw new Error(
      `assignStitch: the stitch maps ${stitch.inputWidth} to ${stitch.outputWidth}; the affine map goes from ${map.inputs} to ${map.outputs}`,
    )
  }
  for (const [name, values, shape] of [
    ['weight', map.weight, [map.outputs, map.inputs]],
    ['bias', map.bias, [map.outputs]],
  ] as const) {
    const value = tensor(values, [...shape], 'float32')
    stitch.parameters[name]!.assign(value)
    value.dispose()
  }
}
