import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { affine, affineGradient } from './affine.js'
import { GELU_THREADS, geluProgram } from './epilogue.js'
import { isHalf, newMatrix, sizeOf } from './halves.js'
import { matrixUnitOf } from './matrix-unit.js'

/**
 * Linear maps, GELU and their gradients, in the signatures that KernelName documents. In mixed precision hidden values are stored as float16, where their number divides by 4: all products that read
 * them would round them to the same. What is otherwise not so exact is GELU's derivative, which is taken at rounded values, and the bias's gradient, a float32 sum of rounded gradients.
 */
export function linearKernels(backend: WebGPUBackend): Kernels {
  const runs: Parameters<typeof kernelSet>[1] = {
    LearngeneLinear({ x, weight, bias, residual }, { activation, keepPreActivation, hidden }) {
      const shape = [x!.shape[0]!, weight!.shape[0]!] as const
      const half = hidden === true && shape[0] > 0 && matrixUnitOf(backend) !== undefined
      const outputs = Array.from({ length: keepPreActivation ? 2 : 1 }, () => newMatrix(backend, shape, half))
      if (shape[0] === 0) return outputs.map((y) => withZeros(backend, y))
      const [y, kept] = outputs
      affine(backend, { x, weight, bias, residual }, y!, { kept, gelu: activation === 'gelu' })
      return outputs
    },

    LearngeneLinearGrad({ x, weight, dy, preActivation }, { inputGradient, frozenBias }) {
      const outputs = [newTensor(backend, weight!.shape), newTensor(backend, [weight!.shape[0]!])]
      if (inputGradient) outputs.push(newMatrix(backend, sizeOf(x!), preActivation !== undefined && isHalf(preActivation)))
      if (x!.shape[0] === 0) return outputs.map((gradient) => withZeros(backend, gradient))
      const [dWeight, dBias, dx] = outputs
      const inputs = { x: x!, weight: weight!, dy: dy!, preActivation }
      affineGradient(backend, inputs, { dWeight: dWeight!, dBias: dBias!, dx }, (frozenBias ?? undefined) as [number, number] | undefined)
      return outputs
    },

    LearngeneGelu: ({ x }) => [elementwise(backend, { x: x! })],
    LearngeneGeluGrad: ({ x, dy }) => [elementwise(backend, { x: x!, dy: dy! })],
  }
  return kernelSet(backend, runs, isHalf)
}

function elementwise(backend: WebGPUBackend, inputs: { readonly x: TensorInfo; readonly dy?: TensorInfo }): TensorInfo {
  const result = newTensor(backend, inputs.x.shape)
  const count = util.sizeFromShape(inputs.x.shape)
  if (count === 0) return withZeros(backend, result)
  const step = valuesAtOnce(backend, count)
  for (let first = 0; first < count; first += step) {
    const some = Math.min(step, count - first)
    const part = (tensor: TensorInfo) => (some === count ? tensor : { tensor, offset: 4 * first, size: 4 * some })
    const { x, dy } = inputs
    const groups = grid(Math.ceil(some / GELU_THREADS))
    const tensors = { x: part(x), ...(dy && { dy: part(dy) }), result: part(result) }
    dispatch(backend, geluProgram(dy !== undefined), tensors, { count: some, stride: groups[0] * GELU_THREADS }, groups)
  }
  return result
}

/** How many of so many values the device binds at once: all, or a multiple of 64, which ends where buffers may be bound from. */
function valuesAtOnce({ device }: WebGPUBackend, count: number): number {
  const most = Math.floor(device.limits.maxStorageBufferBindingSize / 256) * 64
  return Math.min(count, most)
}
