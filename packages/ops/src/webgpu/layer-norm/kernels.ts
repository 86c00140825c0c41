import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { forwardProgram, gradientProgram, SUM_COLUMNS, SUM_PROGRAM, teamFor } from './programs.js'

/** Workgroups of the gradient at most: enough to fill a large GPU, few enough that adding their sums up costs little. */
const GROUPS = 512

export function layerNormKernels(backend: WebGPUBackend): Kernels {
  return kernelSet(backend, {
    LearngeneLayerNorm({ x, gamma, beta }, { epsilon }) {
      const [rows, width] = x!.shape as [number, number]
      const [y, statistics] = [newTensor(backend, x!.shape), newTensor(backend, [rows, 2])]
      if (rows * width === 0) return [withZeros(backend, y), withZeros(backend, statistics)]
      const team = teamFor(width)
      const tensors = { x: x!, gamma: gamma!, beta: beta!, y, statistics }
      dispatch(backend, forwardProgram(team), tensors, { rows, epsilon: epsilon as number }, grid(Math.ceil(rows / team.teams)))
      return [y, statistics]
    },

    LearngeneLayerNormGrad({ x, gamma, statistics, dy, dSkip }) {
      const [rows, width] = x!.shape as [number, number]
      const [dx, dGamma, dBeta] = [newTensor(backend, x!.shape), newTensor(backend, [width]), newTensor(backend, [width])]
      if (rows * width === 0) return [dx, dGamma, dBeta].map((gradient) => withZeros(backend, gradient))
      const team = teamFor(width)
      const rounds = Math.ceil(rows / team.teams / GROUPS)
      const groups = Math.ceil(rows / team.teams / rounds)
      const partial = newTensor(backend, [groups, 2, width])
      const tensors = { x: x!, gamma: gamma!, statistics: statistics!, dy: dy!, ...(dSkip && { d_skip: dSkip }), dx, partial }
      dispatch(backend, gradientProgram(team, dSkip !== undefined), tensors, { rows, rounds }, [groups, 1, 1])
      dispatch(
        backend,
        SUM_PROGRAM,
        { partial, d_gamma: dGamma, d_beta: dBeta },
        { groups, width },
        grid(Math.ceil((2 * width) / SUM_COLUMNS)),
      )
      backend.disposeData(partial.dataId)
      return [dx, dGamma, dBeta]
    },
  })
}
