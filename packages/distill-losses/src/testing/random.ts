import { type Tensor, tensor } from '@tensorflow/tfjs-core'

/** Makes tensors of values uniform in [-1, 1). The same seed gives the same sequence of tensors. */
export function randomTensors(seed: number): <T extends Tensor>(...shape: number[]) => T {
  let state = seed >>> 0
  // mulberry32
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  return <T extends Tensor>(...shape: number[]) => {
    const size = shape.reduce((product, length) => product * length, 1)
    return tensor(
      Float32Array.from({ length: size }, () => 2 * uniform() - 1),
      shape,
    ) as T
  }
}
