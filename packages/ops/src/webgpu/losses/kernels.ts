import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { CrossEntropyAttributes } from '../../cross-entropy.js'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { piecesOf } from '../pieces.js'
import { crossEntropyGradientProgram, crossEntropyProgram, GRADIENT_THREADS } from './cross-entropy-programs.js'
import { GROUP_VECTORS, ROW_SUM_PROGRAM, ROW_SUM_THREADS, squaresGradientProgram, squaresProgram } from './mean-squared-error-programs.js'

export function lossKernels(backend: WebGPUBackend): Kernels {
  return kernelSet(backend, {
    LearngeneCrossEntropy({ logits, targets }, attributes) {
      const [rows, classes] = logits!.shape as [number, number]
      const { targets: kind, temperature, factor } = attributes as unknown as CrossEntropyAttributes
      const [loss, statistics] = [newTensor(backend, [rows]), newTensor(backend, [rows, 4])]
      if (rows * classes === 0) return [withZeros(backend, loss), withZeros(backend, statistics)]
      for (const { count, tensors } of piecesOf(backend, rows, { logits: logits!, targets: targets!, loss, statistics })) {
        const uniforms = { rows: count, classes, inverse_temperature: 1 / temperature, factor }
        dispatch(backend, crossEntropyProgram(kind), tensors, uniforms, grid(count))
      }
      return [loss, statistics]
    },

    LearngeneCrossEntropyGrad({ logits, targets, saved, dy }, attributes) {
      const [rows, classes] = logits!.shape as [number, number]
      const { targets: kind, temperature, factor } = attributes as unknown as CrossEntropyAttributes
      const result = newTensor(backend, [rows, classes])
      if (rows * classes === 0) return [withZeros(backend, result)]
      for (const piece of piecesOf(backend, rows, { logits: logits!, targets: targets!, statistics: saved!, dy: dy!, result })) {
        const count = piece.count * classes
        const uniforms = { count, classes, inverse_temperature: 1 / temperature, factor: factor / temperature }
        dispatch(backend, crossEntropyGradientProgram(kind), piece.tensors, uniforms, grid(Math.ceil(count / GRADIENT_THREADS)))
      }
      return [result]
    },

    LearngeneMeanSquaredError({ x, target }) {
      const { examples, length, vector, vectors, parts } = partsOf(x!)
      const result = newTensor(backend, [examples])
      if (examples * length === 0) return [withZeros(backend, result)]
      const sums = parts === 1 ? result : newTensor(backend, [examples, parts])
      let before = 0
      for (const { count, tensors } of piecesOf(backend, examples, { x: x!, goal: target! })) {
        const uniforms = { examples: count, before, vectors, parts, factor: 1 / length }
        dispatch(backend, squaresProgram(vector), { ...tensors, result: sums }, uniforms, grid(count * parts))
        before += count
      }
      if (parts > 1) {
        const groups = grid(Math.ceil(examples / ROW_SUM_THREADS))
        dispatch(backend, ROW_SUM_PROGRAM, { x: sums, result }, { rows: examples, columns: parts }, groups)
        backend.disposeData(sums.dataId)
      }
      return [result]
    },

    LearngeneMeanSquaredErrorGrad({ x, target, dy }) {
      const { examples, length, vector, vectors, parts } = partsOf(x!)
      const result = newTensor(backend, x!.shape)
      if (examples * length === 0) return [withZeros(backend, result)]
      let before = 0
      for (const { count, tensors } of piecesOf(backend, examples, { x: x!, goal: target!, result })) {
        const uniforms = { examples: count, before, vectors, parts, factor: 2 / length }
        dispatch(backend, squaresGradientProgram(vector), { ...tensors, dy: dy! }, uniforms, grid(count * parts))
        before += count
      }
      return [result]
    },
  })
}

function partsOf({ shape }: TensorInfo) {
  const [examples, ...rest] = shape as [number, ...number[]]
  const length = rest.reduce((product, size) => product * size, 1)
  const vector = length % 4 === 0 ? (4 as const) : (1 as const)
  const vectors = length / vector
  return { examples, length, vector, vectors, parts: Math.ceil(vectors / GROUP_VECTORS) }
}
