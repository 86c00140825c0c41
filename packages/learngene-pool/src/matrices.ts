import type { Rng } from '@learngene/interfaces'
import type { Parameters } from '@learngene/interfaces/tensors'
import { type AffineMap, identityMap, type Side } from '@learngene/stitch'
import { parameter, truncatedNormal } from '@learngene/vit-blocks'
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core'

/** A transformation matrix in training: an affine map between the auxiliary's width and the ancestor's. */
export interface TransformationMatrix {
  readonly side: Side
  /** Empty where the map is fixed to the identity. */
  readonly parameters: Parameters
  /** The map as tensors, or undefined where it is the identity. */
  readonly map?: { readonly weight: Tensor2D; readonly bias: Tensor1D; readonly side: Side }
  /** Present values. */
  read(): Promise<AffineMap>
}

/**
 * A matrix between features of width `student` and `ancestor`. At equal widths it is fixed to the identity, so that stitches into that tier
 * land in a space it was taught (method.md section 3).
 *
 * @param trainIdentity trains the map at equal widths too
 * @param start the map that it starts from; default drawn at random
 */
export function createMatrix(
  side: Side,
  student: number,
  ancestor: number,
  rng: Rng,
  trainIdentity = false,
  start?: AffineMap,
): TransformationMatrix {
  if (student === ancestor && !trainIdentity && !start) return { side, parameters: {}, read: async () => identityMap(student) }
  const [inputs, outputs] = side === 'student' ? [student, ancestor] : [ancestor, student]
  const weight = start ? parameter(start.weight, [outputs, inputs]) : truncatedNormal(rng, [outputs, inputs])
  const bias = parameter(start ? start.bias : new Float32Array(outputs), [outputs])
  return {
    side,
    parameters: { weight, bias },
    map: { weight: weight as unknown as Tensor2D, bias: bias as unknown as Tensor1D, side },
    read: async () => ({ inputs, outputs, weight: (await weight.data()) as Float32Array, bias: (await bias.data()) as Float32Array }),
  }
}
