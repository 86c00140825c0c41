import {
  add,
  div,
  fill,
  greater,
  mul,
  type NamedTensorMap,
  reshape,
  rsqrt,
  scalar,
  slice,
  split,
  sqrt,
  square,
  sub,
  type Tensor,
  type Tensor2D,
  tidy,
  unstack,
  type Variable,
  where,
} from '@tensorflow/tfjs-core'
import { replace } from './accumulate.js'
import { shapeError } from './errors.js'
import { findKernel } from './kernels.js'
import { guarded } from './step-guard.js'

/** One parameter of an AdamW step, and where its numbers stand. */
export interface AdamWSlot {
  readonly parameter: Variable
  /** The parameter's shape; not disposed. */
  readonly gradient: Tensor
  readonly m: Variable
  readonly v: Variable
  /** Its row of the scalars. */
  readonly row: number
}

/**
 * One AdamW step of several parameters (Loshchilov and Hutter 2019, arXiv 1711.05101, in PyTorch's form):
 * p <- (1 - lr wd) p - lr m^ / (sqrt(v^) + eps), with bias-corrected moments m^ and v^. Gives each slot's three variables new values.
 *
 * @param scalars [2 P, 4]: rows as {@link adamWRow} makes them, then as many of which each begins with the factor of that parameter's gradient (as `guardStep` adds them;
 * where it is 0, all stays as it is, whatever the gradient is). All that changes from step to step, so that a recorded step can be replayed with others
 * @throws when the scalars have not four columns, or no two rows for a slot
 */
export function adamW(slots: readonly AdamWSlot[], scalars: Tensor2D, constants: AdamWConstants): void {
  const rows = scalars.shape[0] / 2
  if (scalars.shape[1] !== ADAMW_COLUMNS || !Number.isInteger(rows) || slots.some(({ row }) => !(row >= 0 && row < rows))) {
    const last = Math.max(...slots.map(({ row }) => row))
    throw shapeError(
      'adamW',
      `scalars must be [2 P, ${ADAMW_COLUMNS}] with a row of numbers and one of the factor for each slot, up to row ${last}`,
      { scalars },
    )
  }
  if (slots.length === 0) return
  const single = findKernel('LearngeneAdamW')
  const several = findKernel('LearngeneAdamWSlots')
  if (several) {
    const inputs: NamedTensorMap = { scalars }
    for (const [i, slot] of slots.entries()) for (const name of OPERANDS) inputs[`${name}${i}`] = slot[name]
    const next = several(inputs, { ...constants, rows: slots.map(({ row }) => row) })
    for (const [i, slot] of slots.entries()) assignNext(slot, next.slice(3 * i, 3 * i + 3))
  } else if (single) {
    for (const slot of slots) {
      const { parameter, gradient, m, v, row } = slot
      assignNext(slot, single({ scalars, parameter, gradient, m, v }, { ...constants, row }))
    }
  } else {
    reference(slots, scalars, constants)
  }
}

const OPERANDS = ['parameter', 'gradient', 'm', 'v'] as const

/** Assigns what is not already written in place. */
function assignNext({ parameter, m, v }: AdamWSlot, next: readonly Tensor[]): void {
  for (const [i, variable] of [parameter, m, v].entries()) replace(variable, next[i]!)
}

/**
 * With a = lr / (1 - beta1^t) sqrt(1 - beta2^t) and e = eps sqrt(1 - beta2^t), computed for all rows at once: p <- shrink p - a m / (sqrt(v) + e).
 * A step that is left out has gradients of 0, a of 0 and all else 1, which keeps every value.
 */
function reference(slots: readonly AdamWSlot[], scalars: Tensor2D, { beta1, beta2, epsilon }: AdamWConstants): void {
  tidy(() => {
    const [numbers, factorRows] = split(scalars, 2) as [Tensor2D, Tensor2D]
    const factors = slice(factorRows, [0, 0], [factorRows.shape[0], 1]) // [P, 1]
    const applies = greater(factors, 0)
    const orElse = (column: Tensor, other: number) => where(applies, column, fill(column.shape, other))
    const [learningRate, shrink, mCorrection, vCorrection] = split(numbers, ADAMW_COLUMNS, 1) as [Tensor, Tensor, Tensor, Tensor]
    const deviation = rsqrt(vCorrection) // [P, 1]
    const rate = mul(mul(learningRate, mCorrection), deviation)
    const columns = [factors, orElse(shrink, 1), orElse(rate, 0), mul(deviation, epsilon)]
    const betas = [beta1, beta2].map((beta) => orElse(fill(factors.shape, beta), 1))
    const [gradientFactors, shrinks, rates, epsilons, keepM, keepV] = [...columns, ...betas].map((column) =>
      unstack(reshape(column, [-1])),
    ) as [Tensor[], Tensor[], Tensor[], Tensor[], Tensor[], Tensor[]]
    const [takeM, takeV] = [scalar(1 - beta1), scalar(1 - beta2)]
    for (const { parameter, gradient, m, v, row } of slots) {
      tidy(() => {
        const g = guarded(gradient, gradientFactors[row]!)
        const nextM = add(mul(m, keepM[row]!), mul(g, takeM))
        const nextV = add(mul(v, keepV[row]!), mul(square(g), takeV))
        const change = mul(div(nextM, add(sqrt(nextV), epsilons[row]!)), rates[row]!)
        parameter.assign(sub(mul(parameter, shrinks[row]!), change))
        m.assign(nextM)
        v.assign(nextV)
      })
    }
  })
}

/** The numbers of AdamW that stay the same from step to step. */
export type AdamWConstants = {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
}

/** The numbers of one parameter's step. */
export interface AdamWStep {
  readonly learningRate: number
  /** Decoupled decay: the parameter shrinks by learningRate x weightDecay. */
  readonly weightDecay: number
  /** 1 for the first step; sets the bias corrections. */
  readonly step: number
}

/** Columns of {@link adamWRow}. */
export const ADAMW_COLUMNS = 4

/** What changes from step to step, one row of the scalars: learning rate, 1 - learningRate weightDecay, 1 / (1 - beta1^step), 1 / (1 - beta2^step). */
export function adamWRow(
  { learningRate, weightDecay, step }: AdamWStep,
  { beta1, beta2 }: AdamWConstants,
): [learningRate: number, shrink: number, mCorrection: number, vCorrection: number] {
  return [learningRate, 1 - learningRate * weightDecay, 1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)]
}
