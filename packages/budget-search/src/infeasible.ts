import type { Budget, Candidate } from '@learngene/interfaces'
import { formatBudget } from './budget-text.js'
import { constraintsOf, measureOf, overshoot, type Violation } from './constraints.js'
import { formatMeasure } from './measures.js'

/** The smallest candidate by one capped measure. */
export interface Smallest extends Violation {
  readonly key: string
}

/**
 * No candidate keeps all caps. The message is one line and names the smallest candidate by each measure whose cap cannot be met; where
 * each cap can be met alone but not all together, it names the smallest by every capped measure and the candidate closest to the budget.
 */
export class InfeasibleBudgetError extends Error {
  override readonly name = 'InfeasibleBudgetError'

  constructor(
    message: string,
    readonly budget: Budget,
    /** The smallest candidates, in the budget's order. */
    readonly smallest: readonly Smallest[],
    /** Key of the candidate whose relative excess, summed over the caps, is least. */
    readonly closest: string,
    /** True where every candidate was looked at; false where the smallest were found by a short search and smaller ones may exist. */
    readonly exact: boolean,
  ) {
    super(message)
  }
}

/** Remembers the smallest candidate seen by each capped measure, so that an infeasible budget can be explained. */
export interface SmallestTracker {
  observe(candidate: Candidate<unknown>): void
  /** The error, once at least one candidate was observed and none of the observed fits. */
  error(exact: boolean): InfeasibleBudgetError
}

/** Starts with nothing seen. Ties go to the key that sorts first. */
export const trackSmallest = (budget: Budget): SmallestTracker => {
  const constraints = constraintsOf(budget)
  const smallest = new Map<string, Smallest>()
  let closest: { candidate: Candidate<unknown>; excess: number } | undefined

  const observe = (candidate: Candidate<unknown>): void => {
    const { key, measures } = candidate
    for (const { measure, cap } of constraints) {
      const value = measureOf(measures, measure)
      const best = smallest.get(measure)
      if (!best || value < best.value || (value === best.value && key < best.key)) smallest.set(measure, { measure, cap, value, key })
    }
    const excess = overshoot(measures, budget)
    if (!closest || excess < closest.excess || (excess === closest.excess && key < closest.candidate.key)) closest = { candidate, excess }
  }

  const error = (exact: boolean): InfeasibleBudgetError => {
    const all = constraints.map(({ measure }) => smallest.get(measure)!)
    const broken = all.filter(({ value, cap }) => value > cap)
    const named = broken.length > 0 ? broken : all
    const { key, measures } = closest!.candidate
    const list = named.map((it) => `the smallest by ${it.measure} is ${it.key} with ${formatMeasure(it.measure, it.value)}`).join(', ')
    const near = all.map(({ measure }) => `${measure} ${formatMeasure(measure, measureOf(measures, measure))}`).join(' and ')
    const reason =
      broken.length > 0
        ? `${list}; raise ${broken.length > 1 ? 'the caps to at least these' : 'the cap to at least that'}`
        : `each cap can be met alone but not all together: ${list}; the closest is ${key} with ${near}`
    const proof = exact ? '' : ' (found by a short search of a large space: smaller ones may exist)'
    return new InfeasibleBudgetError(`no candidate fits the budget ${formatBudget(budget)}: ${reason}${proof}`, budget, named, key, exact)
  }

  return { observe, error }
}
