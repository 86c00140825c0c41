import type { Budget, Constraint } from '@learngene/interfaces'

import { describe, requireObject } from './arguments.js'

/** A cap that a candidate breaks. */
export interface Violation extends Constraint {
  /** The candidate's value of the measure, greater than the cap. */
  readonly value: number
}

type Measures = { readonly [measure: string]: number }

/** The caps that a budget sets, in its order. Throws for a cap that is not a positive finite number. */
export const constraintsOf = (budget: Budget): Constraint[] => {
  if (typeof budget === 'string')
    throw new Error(`a budget is an object such as { macs: 5e9 }: got ${describe(budget)}; parseBudget reads text`)
  requireObject('a budget', budget)
  const constraints: Constraint[] = []
  for (const [measure, cap] of Object.entries(budget)) {
    if (cap === undefined) continue
    if (!Number.isFinite(cap) || cap <= 0) {
      throw new Error(`the cap of ${measure} must be a positive finite number: got ${cap}; leave the measure out for no cap`)
    }
    constraints.push({ measure, cap })
  }
  return constraints
}

/** A measure of a candidate. Throws where the candidate does not carry it as a finite number. */
export const measureOf = (measures: Measures, measure: string): number => {
  requireObject('measures', measures)
  const value = measures[measure]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new Error(
    `every candidate must carry the measure ${measure} as a finite number: got ${value}, beside ${Object.keys(measures).join(', ') || 'no measure'}; add it to the space's cost()`,
  )
}

/**
 * The caps that the measures break, in the budget's order. A value equal to its cap fits.
 *
 * Throws where a capped measure is missing or not finite, and for a cap that is not a positive finite number.
 */
export const violations = (measures: Measures, budget: Budget): Violation[] =>
  constraintsOf(budget)
    .map(({ measure, cap }) => ({ measure, cap, value: measureOf(measures, measure) }))
    .filter(({ value, cap }) => value > cap)

/** Whether the measures keep every cap of the budget; errors as `violations`. */
export const fits = (measures: Measures, budget: Budget): boolean => violations(measures, budget).length === 0

/** How far the measures are over the budget: the sum over caps of value / cap - 1 where that is positive. 0 exactly where they fit. */
export const overshoot = (measures: Measures, budget: Budget): number =>
  violations(measures, budget).reduce((sum, { value, cap }) => sum + (value - cap) / cap, 0)
