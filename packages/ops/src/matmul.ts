import { concat, getBackend, matMul, reshape, type Tensor2D, type Tensor3D, tidy, transpose, unstack } from '@tensorflow/tfjs-core'
import { findKernel } from './kernels.js'
import { underTape } from './with-gradient.js'

/**
 * Matrix product that avoids the slow paths of the wasm backend: there only untransposed two-dimensional products are fast,
 * so transposes are made explicit (measured: 96 ms with the flag, 13 ms without, for [394,192]^T [394,576]).
 */
export function product(a: Tensor2D, b: Tensor2D, transposeA = false, transposeB = false): Tensor2D {
  if (getBackend() !== 'wasm') return matMul(a, b, transposeA, transposeB)
  return tidy(() => matMul(transposeA ? transpose(a) : a, transposeB ? transpose(b) : b))
}

/** Fewer rows than this, and as few products as such cubes have, and the wasm backend's scalar batched product beats one fast product per matrix. */
const WASM_BATCH_THRESHOLD = 64

/**
 * Products of corresponding matrices: [G, m, k] x [G, k, n] -> [G, m, n], with the transposes that the flags say. Where nobody may ask for gradients the wasm
 * backend takes its own kernel, which transposes nothing.
 */
export function batchProduct(a: Tensor3D, b: Tensor3D, transposeA = false, transposeB = false): Tensor3D {
  const kernel = underTape() ? undefined : findKernel('LearngeneBatchProduct')
  const steps = a.shape[transposeA ? 1 : 2]
  if (kernel && a.shape[0] === b.shape[0] && steps === b.shape[transposeB ? 2 : 1]) {
    return kernel({ a, b }, { transposeA, transposeB })[0] as Tensor3D
  }
  if (getBackend() !== 'wasm') return matMul(a, b, transposeA, transposeB)
  return tidy(() => {
    const left = transposeA ? transpose(a, [0, 2, 1]) : a // [G, m, k]
    const right = transposeB ? transpose(b, [0, 2, 1]) : b // [G, k, n]
    const [, rows, steps] = left.shape
    if (rows < WASM_BATCH_THRESHOLD && rows * steps * right.shape[2] < WASM_BATCH_THRESHOLD ** 3) return matMul(left, right)
    const rights = unstack(right) as Tensor2D[]
    const products = (unstack(left) as Tensor2D[]).map((matrix, g) => {
      const result = matMul(matrix, rights[g]!)
      return reshape(result, [1, ...result.shape]) // [1, m, n]
    })
    return concat(products as Tensor3D[], 0) // [G, m, n]
  })
}
