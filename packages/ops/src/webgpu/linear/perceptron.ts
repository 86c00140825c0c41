import type { WebGPUBackend } from '../backend.js'
import { newTensor } from '../dispatch.js'
import { type Run, withZeros } from '../kernel-set.js'
import { affine, affineGradient } from './affine.js'
import { isHalf, newMatrix } from './halves.js'
import { matrixUnitOf } from './matrix-unit.js'

/** Inputs of the gradient that are outputs of the forward pass, in a form of its own. */
export const PERCEPTRON_SAVED = ['activated', 'preActivation']

/**
 * The perceptron of `mlp` with GELU. In mixed precision its hidden values are stored as float16, where their number divides by 4: all products that read them would round them to the same. What is
 * otherwise not so exact is GELU's derivative, which is taken at rounded values, and the hidden bias's gradient, a float32 sum of rounded gradients.
 */
export function perceptronRuns(backend: WebGPUBackend): { readonly [name in 'LearngeneMlp' | 'LearngeneMlpGrad']: Run } {
  return {
    LearngeneMlp({ x, weight1, bias1, weight2, bias2, residual }, { keep }) {
      const [rows, hidden, columns] = [x!.shape[0]!, weight1!.shape[0]!, weight2!.shape[0]!]
      const half = rows > 0 && matrixUnitOf(backend) !== undefined
      const [activated, preActivation] = Array.from({ length: keep ? 2 : 1 }, () => newMatrix(backend, [rows, hidden], half))
      const y = newTensor(backend, [rows, columns])
      const outputs = [y, ...(keep ? [activated!, preActivation!] : [])]
      if (rows === 0) {
        if (!keep) backend.disposeData(activated!.dataId)
        return outputs.map((each) => withZeros(backend, each))
      }
      affine(backend, { x, weight: weight1, bias: bias1 }, activated!, { gelu: true, kept: preActivation })
      affine(backend, { x: activated, weight: weight2, bias: bias2, residual }, y)
      if (!keep) backend.disposeData(activated!.dataId)
      return outputs
    },

    LearngeneMlpGrad({ x, weight1, weight2, activated, preActivation, dy }) {
      const [rows, hidden, columns] = [x!.shape[0]!, weight1!.shape[0]!, weight2!.shape[0]!]
      const [dx, dWeight1, dBias1, dWeight2, dBias2] = [x!.shape, weight1!.shape, [hidden], weight2!.shape, [columns]].map((shape) =>
        newTensor(backend, shape),
      )
      const outputs = [dx!, dWeight1!, dBias1!, dWeight2!, dBias2!]
      if (rows === 0) return outputs.map((gradient) => withZeros(backend, gradient))
      const dHidden = newMatrix(backend, [rows, hidden], isHalf(preActivation!))
      const second = { x: activated!, weight: weight2!, dy: dy!, preActivation }
      affineGradient(backend, second, { dWeight: dWeight2!, dBias: dBias2!, dx: dHidden })
      affineGradient(backend, { x: x!, weight: weight1!, dy: dHidden }, { dWeight: dWeight1!, dBias: dBias1!, dx })
      backend.disposeData(dHidden.dataId)
      return outputs
    },
  }
}
