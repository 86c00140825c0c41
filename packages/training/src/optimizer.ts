import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { adamW as adamWStep } from '@learngene/ops'
import { type Variable, variable, zerosLike } from '@tensorflow/tfjs-core'

/** What an optimizer remembers of one parameter. */
export interface Slot {
  /** Updates so far; a parameter without a gradient in a step is not updated, as in PyTorch. */
  steps: number
  readonly tensors: { readonly [name: string]: Variable }
}

/** What an optimizer remembers, by parameter name. */
export type OptimizerState = { readonly [parameter: string]: Slot }

/** A pair of functions with explicit state. `update` assigns new values to parameters and state. */
export interface Optimizer {
  init(parameters: Parameters): OptimizerState
  /** @param gradients by parameter name; parameters without one stay as they are */
  update(parameters: Parameters, gradients: NamedTensors, state: OptimizerState, learningRate: number): void
}

export interface AdamWOptions {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** Decoupled weight decay; default 0.05. */
  readonly weightDecay?: number
  /** Which parameters decay; default all of two dimensions and more, as timm does it (biases and norms do not). */
  readonly decays?: (name: string, parameter: Variable) => boolean
  /** Multiplies the learning rate of a parameter; default 1. */
  readonly learningRateScale?: (name: string) => number
}

/** AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with PyTorch's defaults but for the weight decay of DeiT, 0.05. */
export function adamW(options: AdamWOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.05 } = options
  const decays = options.decays ?? ((_, parameter) => parameter.rank >= 2)
  const scale = options.learningRateScale ?? (() => 1)
  return {
    init: (parameters) =>
      Object.fromEntries(
        Object.entries(parameters).map(([name, parameter]) => [name, { steps: 0, tensors: { m: zeros(parameter), v: zeros(parameter) } }]),
      ),
    update(parameters, gradients, state, learningRate) {
      for (const [name, gradient] of Object.entries(gradients)) {
        const parameter = parameters[name]
        const slot = state[name]
        if (!parameter || !slot) throw new Error(`adamW: a gradient must belong to a parameter that init was given; '${name}' does not`)
        slot.steps++
        adamWStep(parameter, gradient, slot.tensors as { m: Variable; v: Variable }, {
          learningRate: learningRate * scale(name),
          beta1,
          beta2,
          epsilon,
          weightDecay: decays(name, parameter) ? weightDecay : 0,
          step: slot.steps,
        })
      }
    },
  }
}

function zeros(parameter: Variable): Variable {
  const initial = zerosLike(parameter)
  const result = variable(initial)
  initial.dispose()
  return result
}

/** Frees an optimizer's state. */
export function disposeState(state: OptimizerState): void {
  for (const { tensors } of Object.values(state)) {
    for (const tensor of Object.values(tensors)) tensor.dispose()
  }
}
