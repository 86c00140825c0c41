import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { affine, affineGradient } from './affine.js'
import { GELU_THREADS, geluProgram } from './epilogue.js'
import { PERCEPTRON_SAVED, perceptronRuns } from './perceptron.js'

/** Linear maps, the perceptron, GELU and their gradients, in the signatures that KernelName documents. */
export function linearKernels(backend: WebGPUBackend): Kernels {
  const linear = kernelSet(backend, {
    LearngeneLinear({ x, weight, bias, residual }, { activation, keepPreActivation }) {
      const shape = [x!.shape[0]!, weight!.shape[0]!]
      const outputs = Array.from({ length: keepPreActivation ? 2 : 1 }, () => newTensor(backend, shape))
      if (shape[0] === 0) return outputs.map((y) => withZeros(backend, y))
      const [y, kept] = outputs
      affine(backend, { x, weight, bias, residual }, y!, { kept, gelu: activation === 'gelu' })
      return outputs
    },

    LearngeneLinearGrad({ x, weight, dy, preActivation }, { inputGradient, frozenBias }) {
      const outputs = [newTensor(backend, weight!.shape), newTensor(backend, [weight!.shape[0]!])]
      if (inputGradient) outputs.push(newTensor(backend, x!.shape))
      if (x!.shape[0] === 0) return outputs.map((gradient) => withZeros(backend, gradient))
      const [dWeight, dBias, dx] = outputs
      const inputs = { x: x!, weight: weight!, dy: dy!, preActivation }
      affineGradient(backend, inputs, { dWeight: dWeight!, dBias: dBias!, dx }, (frozenBias ?? undefined) as [number, number] | undefined)
      return outputs
    },

    LearngeneGelu: ({ x }) => [elementwise(backend, { x: x! })],
    LearngeneGeluGrad: ({ x, dy }) => [elementwise(backend, { x: x!, dy: dy! })],
  })
  return { ...linear, ...kernelSet(backend, perceptronRuns(backend), PERCEPTRON_SAVED) }
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
