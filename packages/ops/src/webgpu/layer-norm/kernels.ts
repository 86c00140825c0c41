import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { piecesOf } from '../pieces.js'
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
      for (const { count, tensors } of piecesOf(backend, rows, { x: x!, y, statistics })) {
        const uniforms = { rows: count, epsilon: epsilon as number }
        dispatch(backend, forwardProgram(team), { ...tensors, gamma: gamma!, beta: beta! }, uniforms, grid(Math.ceil(count / team.teams)))
      }
      return [y, statistics]
    },

    LearngeneLayerNormGrad({ x, gamma, statistics, dy, dSkip }) {
      const [rows, width] = x!.shape as [number, number]
      const [dx, dGamma, dBeta] = [newTensor(backend, x!.shape), newTensor(backend, [width]), newTensor(backend, [width])]
      if (rows * width === 0) return [dx, dGamma, dBeta].map((gradient) => withZeros(backend, gradient))
      const team = teamFor(width)
      const cut = piecesOf(backend, rows, { x: x!, statistics: statistics!, dy: dy!, ...(dSkip && { d_skip: dSkip }), dx })
      const plans = cut.map(({ count, tensors }) => {
        const rounds = Math.ceil(count / team.teams / GROUPS)
        return { rows: count, tensors, rounds, own: Math.ceil(count / team.teams / rounds) }
      })
      const groups = plans.reduce((sum, { own }) => sum + own, 0)
      const partial = newTensor(backend, [groups, 2, width])
      let before = 0
      for (const { tensors, rows, rounds, own } of plans) {
        const program = gradientProgram(team, dSkip !== undefined)
        dispatch(backend, program, { ...tensors, gamma: gamma!, partial }, { rows, rounds, before }, [own, 1, 1])
        before += own
      }
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
