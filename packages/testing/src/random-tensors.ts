import { type Tensor, tensor } from '@tensorflow/tfjs-core'

export type RandomTensor = <T extends Tensor>(shape: readonly number[], scale?: number) => T

/** Makes tensors of standard normal values times a scale. The same seed gives the same sequence of tensors. */
export function randomTensors(seed: number): RandomTensor {
  const uniform = uniforms(seed)
  return tensorsOf(() => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()))
}

/** Makes tensors of values uniform in [-1, 1) times a scale. The same seed gives the same sequence of tensors. */
export function uniformTensors(seed: number): RandomTensor {
  const uniform = uniforms(seed)
  return tensorsOf(() => 2 * uniform() - 1)
}

function tensorsOf(draw: () => number): RandomTensor {
  return <T extends Tensor>(shape: readonly number[], scale = 1) => {
    const size = shape.reduce((product, length) => product * length, 1)
    return tensor(
      Float32Array.from({ length: size }, () => draw() * scale),
      [...shape],
    ) as T
  }
}

/** The mulberry32 generator. */
function uniforms(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
}
