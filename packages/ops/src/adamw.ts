import { add, div, mul, sqrt, square, sub, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core'
import { findKernel } from './kernels.js'

/** The scalars of one AdamW step. */
export type AdamWStep = {
  readonly learningRate: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  /** Decoupled decay: the parameter shrinks by learningRate x weightDecay. */
  readonly weightDecay: number
  /** 1 for the first step; sets the bias corrections. */
  readonly step: number
}

/**
 * One AdamW step (Loshchilov and Hutter 2019, arXiv 1711.05101, in PyTorch's form):
 * p <- (1 - lr wd) p - lr m^ / (sqrt(v^) + eps), with bias-corrected moments m^ and v^. Assigns new values to the three variables.
 *
 * @param gradient the parameter's shape; not disposed
 */
export function adamW(
  parameter: Variable,
  gradient: Tensor,
  moments: { readonly m: Variable; readonly v: Variable },
  options: AdamWStep,
): void {
  const { m, v } = moments
  const kernel = findKernel('LearngeneAdamW')
  const [nextParameter, nextM, nextV] = kernel
    ? (kernel({ parameter, gradient, m, v }, options) as [Tensor, Tensor, Tensor])
    : reference(parameter, gradient, m, v, options)
  parameter.assign(nextParameter)
  m.assign(nextM)
  v.assign(nextV)
  for (const tensor of [nextParameter, nextM, nextV]) tensor.dispose()
}

function reference(parameter: Tensor, gradient: Tensor, m: Tensor, v: Tensor, options: AdamWStep): [Tensor, Tensor, Tensor] {
  const { learningRate, beta1, beta2, epsilon, weightDecay, step } = options
  return tidy(() => {
    const nextM = add(mul(m, beta1), mul(gradient, 1 - beta1))
    const nextV = add(mul(v, beta2), mul(square(gradient), 1 - beta2))
    const denominator = add(mul(sqrt(nextV), 1 / Math.sqrt(1 - beta2 ** step)), epsilon)
    const change = div(mul(nextM, learningRate / (1 - beta1 ** step)), denominator)
    return [sub(mul(parameter, 1 - learningRate * weightDecay), change), nextM, nextV]
  })
}
