import type { Tensor } from '@tensorflow/tfjs-core'

/** A tensor's values, on every backend: webgpu under Node has no `dataSync`. */
export async function valuesOf(tensor: Tensor): Promise<number[]> {
  return Array.from(await tensor.data())
}
