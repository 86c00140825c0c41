import { getBackend } from '@tensorflow/tfjs-core'
import { findKernel } from './kernels.js'

/** @throws where precision `mixed` would change nothing: the backend has one precision, or its device lacks what it needs; says which */
export function requireMixed(where: string): void {
  const kernel = findKernel('LearngeneMixedPrecision')
  const reason = kernel ? reasonOf(() => kernel({})) : `the ${getBackend()} backend has one precision`
  if (reason === undefined) return
  throw new Error(
    `${where}: precision 'mixed' needs webgpu on a GPU with matrix units for float16; ${reason}. Choose 'float32', or another backend`,
  )
}

function reasonOf(kernel: () => unknown): string | undefined {
  try {
    kernel()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
