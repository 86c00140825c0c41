import type { JsonObject, Rng } from '@learngene/interfaces'
import type { Block } from '@learngene/interfaces/tensors'
import { add, mul, type Tensor3D, type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core'
import { constant } from '../parameters.js'
import type { PartRegistry } from '../structure.js'
import { createRng } from './rng.js'

/** A ViT of 5 tokens that costs nothing to run. */
export const tinyConfig = { imageSize: 8, patchSize: 4, channels: 1, width: 6, depth: 3, heads: 2, classes: 3 }

/** Random images for {@link tinyConfig}. */
export function tinyImages(batch: number, seed: number): Tensor4D {
  return tensor4d(Float32Array.from({ length: batch * 64 }, createRng(seed).normal), [batch, 8, 8, 1])
}

/** A block kind of somebody else's: x + gain x + shift per channel. Records `change`. */
export function createScale(config: JsonObject, _rng: Rng): Block {
  const { width, gain } = config as { width: number; gain: number }
  const parameters = { gain: constant(gain, [width]), shift: constant(0, [width]) }
  return {
    kind: 'scale',
    config,
    inputWidth: width,
    outputWidth: width,
    parameters,
    macs: (tokens) => tokens * width,
    liveFloats: (tokens) => 3 * tokens * width,
    forward(x, context) {
      const change = tidy(() => add(mul(x, parameters.gain), parameters.shift)) as Tensor3D // [B, N, D]
      context.record?.('change', change)
      return add(x, change)
    },
  }
}

export const scaleParts: PartRegistry = { blocks: { scale: createScale } }
