import { type TensorInfo, util } from '@tensorflow/tfjs-core'
import { GUARD_NUMBERS } from '../../step-guard.js'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { writable } from '../in-place.js'
import { type Kernels, kernelSet } from '../kernel-set.js'
import { GROUP_VALUES, GUARD_PROGRAM, squaresProgram } from './programs.js'

export function guardKernels(backend: WebGPUBackend): Kernels {
  const perDispatch = backend.device.limits.maxStorageBuffersPerShaderStage - 1
  /** Sums of squares of parts of the gradients. */
  const partialsOf = (gradients: readonly TensorInfo[]): TensorInfo => {
    const groups = gradients.map((gradient) => Math.ceil(sizeOf(gradient) / GROUP_VALUES))
    const partial = newTensor(backend, [groups.reduce((sum, count) => sum + count, 0)])
    let first = 0
    for (let begin = 0; begin < gradients.length; begin += perDispatch) {
      const taken = gradients.slice(begin, begin + perDispatch)
      const tensors: { [name: string]: TensorInfo } = { partial }
      const uniforms: { [name: string]: number } = { first }
      let end = 0
      for (const [i, gradient] of taken.entries()) {
        end += groups[begin + i]!
        tensors[`x${i}`] = gradient
        Object.assign(uniforms, { [`count${i}`]: sizeOf(gradient), [`end${i}`]: end })
      }
      dispatch(backend, squaresProgram(taken.length), tensors, uniforms, grid(end))
      first += end
    }
    return partial
  }
  return kernelSet(backend, {
    LearngeneStepGuard(inputs, attributes) {
      const { loss, scalars, reached } = inputs as { loss: TensorInfo; scalars: TensorInfo; reached?: TensorInfo }
      const { gradients, ...numbersOf } = attributes as {
        [name in 'gradients' | 'clipNorm' | 'doubleAfter' | 'sets' | 'largestScale']: number
      }
      const columns = scalars.shape[1]!
      const [terms, count] = [sizeOf(loss), sizeOf(scalars) / numbersOf.sets]
      const read = Array.from({ length: gradients }, (_, i) => inputs[`gradient${i}`]!)
      const partial = read.length > 0 ? partialsOf(read) : undefined
      const state = writable(backend, inputs.state!)
      const table = newTensor(backend, [(2 * count) / columns, columns])
      const numbers = newTensor(backend, [GUARD_NUMBERS + terms])
      const uniforms = { terms, partials: partial ? sizeOf(partial) : 0, count, columns, someReached: reached ? 1 : 0, ...numbersOf }
      dispatch(
        backend,
        GUARD_PROGRAM,
        { loss, partial: partial ?? loss, scalars, reached: reached ?? loss, state, table, numbers },
        uniforms,
        [1, 1, 1],
      )
      if (partial) backend.disposeData(partial.dataId)
      return [table, numbers, state]
    },
  })
}

const sizeOf = ({ shape }: TensorInfo) => util.sizeFromShape(shape)
