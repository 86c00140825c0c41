import {
  add,
  all,
  cast,
  concat,
  div,
  equal,
  fill,
  gather,
  greater,
  isFinite as isFiniteTensor,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  maximum,
  minimum,
  mod,
  mul,
  type NamedTensorMap,
  pad,
  reshape,
  type Scalar,
  scalar,
  slice,
  sqrt,
  square,
  stack,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor,
  tidy,
  unstack,
  type Variable,
  variable,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core'
import { replace } from './accumulate.js'
import { shapeError } from './errors.js'
import { findKernel } from './kernels.js'

/** How a step is judged. */
export interface GuardOptions {
  /** Scales gradients down where their joint Euclidean norm exceeds this (as PyTorch's clip_grad_norm_, its 1e-6 included). */
  readonly clipNorm?: number
  /**
   * Gradients are those of the loss times a scale (Micikevicius et al. 2018, arXiv 1710.03740). One that is not finite leaves the step out and halves the scale, as long as that is above
   * 1; after so many steps in a row that were taken it is doubled, up to 2^24.
   */
  readonly doubleAfter?: number
  /**
   * How many sets of numbers the scalars hold, a power of two; default 1. Which of them a step takes is told by the latest steps, as bits of its index, the last step's the lowest: 1 where
   * it was left out for its scale. So whoever has not yet read what became of the last n steps gives 2^n sets.
   */
  readonly sets?: number
  /** [P]: 1 for parameters that the step updates and 0 for others, whose gradients are 0; default 1 for all. */
  readonly reached?: Tensor1D
}

/** A judged step. */
export interface GuardedStep {
  /** [2 P, C]: the scalars, then a row for each parameter that begins with the factor of its gradient: 0 where the step must not change it. */
  readonly table: Tensor2D
  /** [3 + T]: 0 where the step is taken and 1 where it is left out, the gradients' joint norm, the loss's scale, the loss's T terms. */
  readonly numbers: Tensor1D
}

/** Numbers of {@link GuardedStep} before the loss's terms. */
export const GUARD_NUMBERS = 3

/** The largest scale of a loss. */
const LARGEST_SCALE = 2 ** 24

/** What is kept from step to step [4]: 1 until a step has failed, the scale of the next loss, the steps taken since it changed, and which of the last steps were left out for it, as bits. */
export function guardState(scale = 1, taken = 0): Variable {
  return tidy(() => variable(tensor([1, scale, taken, 0]), false))
}

/**
 * Judges a step before its update, without a reading: a loss or gradients that are not finite leave this step and all later ones out, so that parameters remain
 * those of the last good step.
 *
 * @param loss [] or [T], the terms whose sum is trained
 * @param gradients of any shapes
 * @param scalars [P, C], an optimizer's numbers, or several sets of them, [sets P, C]
 * @param state of {@link guardState}; gets new values
 * @throws when the state is not of four values, the loss has more dimensions than one, or the scalars are not so many sets
 */
export function guardStep(
  loss: Tensor,
  gradients: readonly Tensor[],
  scalars: Tensor2D,
  state: Variable,
  options: GuardOptions = {},
): GuardedStep {
  const { clipNorm = 0, doubleAfter = 0, sets = 1, reached } = options
  if (loss.rank > 1 || state.shape.join() !== '4' || scalars.shape[0] % sets !== 0)
    throw shapeError('guardStep', `loss must be [] or [T], state [4] and scalars [${sets} P, C]`, { loss, state, scalars })
  const kernel = findKernel('LearngeneStepGuard')
  if (!kernel) return reference(loss, gradients, scalars, state, options)
  const inputs: NamedTensorMap = { loss, scalars, state }
  const needed = gradients.filter(({ size }) => size > 0)
  for (const [i, gradient] of needed.entries()) inputs[`gradient${i}`] = gradient
  if (reached) inputs.reached = reached
  const [table, numbers, next] = kernel(inputs, { clipNorm, doubleAfter, sets, largestScale: LARGEST_SCALE, gradients: needed.length })
  replace(state, next!)
  return { table: table as Tensor2D, numbers: numbers as Tensor1D }
}

function reference(
  loss: Tensor,
  gradients: readonly Tensor[],
  scalars: Tensor2D,
  state: Variable,
  { clipNorm, doubleAfter, sets = 1, reached }: GuardOptions,
): GuardedStep {
  return tidy(() => {
    const [one, zero] = [scalar(1), scalar(0)]
    const [alive, scale, taken, history] = unstack(state) as [Tensor, Tensor, Tensor, Tensor]
    const terms = reshape(loss, [-1]) // [T]
    const norm = div(sqrt(sumOfSquares(gradients)), scale)
    const sound = isFiniteTensor(norm)
    const recovers = doubleAfter === undefined ? sound : logicalOr(sound, greater(scale, one))
    const lives = logicalAnd(logicalAnd(greater(alive, zero), all(isFiniteTensor(terms))), recovers)
    const applies = logicalAnd(lives, sound)
    const clip = clipNorm === undefined ? one : minimum(div(clipNorm, add(norm, 1e-6)), 1)
    const factor = where(applies, div(clip, scale), zero)

    const grown = doubleAfter ? add(taken, one) : zero
    const doubles = equal(grown, doubleAfter ?? -1)
    const kept = where(lives, maximum(mul(scale, 0.5), one), scale) // a step that lives and does not apply has a scale above 1
    const [rows, columns] = [scalars.shape[0] / sets, scalars.shape[1]]
    const eachSet = reshape(scalars, [sets, rows, columns]) as Tensor
    const set = sets === 1 ? scalars : (gather(eachSet, cast(history, 'int32')) as Tensor2D) // [P, C]
    const factors = reached ? mul(reached, factor) : mul(fill([rows], 1), factor) // [P]
    const factorRows = pad(reshape(factors, [rows, 1]) as Tensor2D, [
      [0, 0],
      [0, columns - 1],
    ])
    const numbers = concat([stack([cast(logicalNot(applies), 'float32'), norm, scale]), terms])
    state.assign(
      stack([
        cast(lives, 'float32'),
        where(applies, where(doubles, minimum(mul(scale, 2), LARGEST_SCALE), scale), kept),
        where(logicalAnd(applies, logicalNot(doubles)), grown, zero),
        mod(add(mul(history, 2), cast(logicalXor(lives, applies), 'float32')), sets),
      ]),
    )
    return { table: concat([set, factorRows]), numbers: numbers as Tensor1D }
  })
}

function sumOfSquares(gradients: readonly Tensor[]): Tensor {
  const some = gradients.filter(({ size }) => size > 0)
  if (some.length === 0) return scalar(0)
  const kernel = findKernel('LearngeneSumOfSquares')
  if (kernel) return kernel(Object.fromEntries(some.map((gradient, i) => [`x${i}`, gradient])))[0]!
  return some.map((gradient) => sum(square(gradient)) as Tensor).reduce((total, next) => add(total, next))
}

/** A parameter's factor, a scalar. @param table [2 P, C] */
export function factorOfRow(table: Tensor2D, row: number): Scalar {
  return reshape(slice(table, [table.shape[0] / 2 + row, 0], [1, 1]), [])
}

/** A gradient times its factor, 0 where that is 0, whatever the gradient is. */
export function guarded(gradient: Tensor, factor: Tensor): Tensor {
  const scaled = mul(gradient, factor)
  return where(greater(factor, 0), scaled, zerosLike(scaled))
}
