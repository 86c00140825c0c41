import { concat, getBackend, matMul, reshape, type Tensor2D, type Tensor3D, unstack } from '@tensorflow/tfjs-core'

/** From this many rows on, one fast product per example beats the wasm backend's batched product, which is scalar. */
const WASM_ROWS = 64

/** Products of corresponding matrices: [B, m, k] x [B, k, n] -> [B, m, n]. Leaves its intermediates to the caller's tidy. */
export function batchProduct(a: Tensor3D, b: Tensor3D): Tensor3D {
  if (getBackend() !== 'wasm' || a.shape[1] < WASM_ROWS) return matMul(a, b)
  const rights = unstack(b) as Tensor2D[]
  const products = (unstack(a) as Tensor2D[]).map((left, i) => {
    const product = matMul(left, rights[i]!)
    return reshape(product, [1, product.shape[0]!, product.shape[1]!]) // [1, m, n]
  })
  return concat(products, 0) as Tensor3D // [B, m, n]
}
