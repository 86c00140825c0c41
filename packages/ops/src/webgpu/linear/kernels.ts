import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import { isLossScaled } from '../../precision.js'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { GELU_THREADS, geluProgram } from './epilogue.js'
import { LARGEST_FLOAT16 } from './mixed-product.js'
import { multiply, multiplyAndSum, type Range } from './multiply.js'

/**
 * Of the gradients that mixed precision multiplies: those of a mean over a batch of images of some hundred tokens are about 1e-6, near float16's smallest 6e-8; with
 * 2^14 they are about 1e-2, and values up to 4 stay below its largest, 65,504.
 */
const LIFTED: Range = { scale: 2 ** 14, beyond: LARGEST_FLOAT16 }

/** Of those of a scaled loss, which its scale lifts already. */
const SCALED: Range = { scale: 1, beyond: Number.POSITIVE_INFINITY }

/** Linear maps, GELU and their gradients, in the signatures that KernelName documents. */
export function linearKernels(backend: WebGPUBackend): Kernels {
  return kernelSet(backend, {
    LearngeneLinear({ x, weight, bias, residual }, { activation, keepPreActivation }) {
      const shape = [x!.shape[0]!, weight!.shape[0]!]
      const outputs = Array.from({ length: keepPreActivation ? 2 : 1 }, () => newTensor(backend, shape))
      if (shape[0] === 0) return outputs.map((y) => withZeros(backend, y))
      const [y, kept] = outputs
      const extras = { bias, residual, kept, gelu: activation === 'gelu' }
      multiply(backend, { matrix: x!, depth: 'columns' }, { matrix: weight!, depth: 'columns' }, y!, extras)
      return outputs
    },

    LearngeneLinearGrad({ x, weight, dy, preActivation }, { inputGradient, frozenBias }) {
      const outputs = [newTensor(backend, weight!.shape), newTensor(backend, [weight!.shape[0]!])]
      if (inputGradient) outputs.push(newTensor(backend, x!.shape))
      if (x!.shape[0] === 0) return outputs.map((gradient) => withZeros(backend, gradient))
      const [dWeight, dBias, dx] = outputs
      const range = isLossScaled() ? SCALED : LIFTED
      const [begin, end] = (frozenBias ?? [0, 0]) as [number, number]
      multiplyAndSum(backend, { matrix: dy!, depth: 'rows' }, { matrix: x!, depth: 'rows' }, dWeight!, dBias!, {
        frozen: { begin, end },
        range,
      })
      if (dx)
        multiply(backend, { matrix: dy!, depth: 'columns' }, { matrix: weight!, depth: 'rows' }, dx, {
          preActivation,
          range,
        })
      return outputs
    },

    LearngeneGelu: ({ x }) => [elementwise(backend, { x: x! })],
    LearngeneGeluGrad: ({ x, dy }) => [elementwise(backend, { x: x!, dy: dy! })],
  })
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
