import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { piecesOf } from '../pieces.js'
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
  const { x, dy } = inputs
  /** Each value is a row. */
  const flat = (tensor: TensorInfo): TensorInfo => ({ ...tensor, shape: [count] })
  for (const piece of piecesOf(backend, count, { x: flat(x), ...(dy && { dy: flat(dy) }), result: flat(result) })) {
    const groups = grid(Math.ceil(piece.count / GELU_THREADS))
    const uniforms = { count: piece.count, stride: groups[0] * GELU_THREADS }
    dispatch(backend, geluProgram(dy !== undefined), piece.tensors, uniforms, groups)
  }
  return result
}
