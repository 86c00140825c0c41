import { type KernelFunc, type TensorInfo, tidy } from '@tensorflow/tfjs-core'
import type { KernelName } from '../kernels.js'
import { adamWKernel } from './adamw.js'
import { attentionKernels } from './attention.js'
import type { Inputs, Run, TensorFlowBackend } from './backend.js'
import { layerNormKernels } from './layer-norm.js'
import { nativeOperations } from './native.js'

/**
 * The kernels of this package for one tensorflow backend, in the signatures that KernelName documents: the formulation with the fewest native calls
 * and passes over memory, since every call costs some microseconds and nothing is fused.
 */
export function tensorflowKernels(backend: TensorFlowBackend): { readonly [Name in KernelName]?: KernelFunc } {
  const native = nativeOperations(backend)
  const { add, sub, mul, product, columnSums } = native

  const gelu = (x: TensorInfo) => mul(mul(x, 0.5), add(native.erf(mul(x, Math.SQRT1_2)), 1))

  /** 2 ((1 + erf t) / 2 + x phi(x)) = 1 + erf t + exp(ln(2 / sqrt pi) - t^2) t with t = x / sqrt 2, times dy / 2 */
  const geluGradient = (x: TensorInfo, halfDy: TensorInfo) => {
    const t = mul(x, Math.SQRT1_2)
    const density = native.exp(sub(Math.log(2 / Math.sqrt(Math.PI)), native.square(t)))
    return mul(halfDy, add(add(native.erf(t), 1), mul(density, t)))
  }

  const zeroWithin = ([begin, end]: readonly number[], length: number) =>
    native.numbers(Array.from({ length }, (_, i) => (i >= begin! && i < end! ? 0 : 1)))

  const kernels: { readonly [Name in KernelName]?: Run } = {
    LearngeneLinear({ x, weight, bias, residual }, { activation, keepPreActivation }) {
      const multiplied = product(x!, weight!, false, true) // [M, N]
      const affine = bias === undefined ? multiplied : add(multiplied, bias)
      const activated = activation === 'gelu' ? gelu(affine) : affine
      const y = residual === undefined ? activated : add(activated, residual)
      return keepPreActivation ? [y, affine] : y
    },

    LearngeneLinearGrad({ x, weight, dy, preActivation }, { inputGradient, frozenBias }) {
      const dWeight = product(dy!, x!, true) // [N, K]
      const dBias = frozenBias ? mul(columnSums(dy!), zeroWithin(frozenBias as number[], dy!.shape[1]!)) : columnSums(dy!)
      if (!inputGradient) return [dWeight, dBias]
      if (preActivation === undefined) return [dWeight, dBias, product(dy!, weight!)]
      return [dWeight, dBias, geluGradient(preActivation, product(dy!, mul(weight!, 0.5)))]
    },

    LearngeneGelu: ({ x }) => gelu(x!),
    LearngeneGeluGrad: ({ x, dy }) => geluGradient(x!, mul(dy!, 0.5)),
    ...layerNormKernels(native),
    ...attentionKernels(native),
    LearngeneSumOfSquares: (inputs) => mul(native.addAll(Object.values(inputs).map((x) => native.halfSquaredNorm(x!))), 2),
    LearngeneAdamWSlots: adamWKernel(native),
  }
  return Object.fromEntries(
    Object.entries(kernels).map(([name, run]) => [
      name,
      ({ inputs, attrs }: Parameters<KernelFunc>[0]) => tidy(() => run(inputs as Inputs, attrs ?? {})),
    ]),
  )
}
