import { type Tensor, tensor } from '@tensorflow/tfjs-core'

export type RandomTensor = <T extends Tensor>(shape: readonly number[], scale?: number) => T

/** Makes tensors of standard normal values times a scale. The same seed gives the same sequence of tensors. */
export function randomTensors(seed: number): RandomTensor {
  const normal = normals(seed)
  return <T extends Tensor>(shape: readonly number[], scale = 1) => {
    const size = shape.reduce((product, length) => product * length, 1)
    return tensor(
      Float32Array.from({ length: size }, () => normal() * scale),
      [...shape],
    ) as T
  }
}

/** Standard normals by Box and Muller from the mulberry32 generator. */
function normals(seed: number): () => number {
  let state = seed >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}
