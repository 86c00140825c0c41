import type { Budget, Measures } from '@learngene/interfaces'
import { describe, requireFunction, requireInteger } from './arguments.js'
import { fits } from './budget.js'
import { byRank, type CommonOptions, defaultCost, type Scored } from './result.js'

/** A candidate that was measured for real. */
export interface Confirmed<T> {
  readonly candidate: Scored<T>
  /** What came out, by name. */
  readonly fresh: Measures
  /** Whether that keeps the budget. */
  readonly keeps: boolean
}

/** What came of measuring the best candidates. */
export interface Confirmation<T> {
  /** The best candidate whose fresh measures keep the budget; undefined where none does. */
  readonly chosen: Confirmed<T> | undefined
  /** All that were measured, best first: those before the choice broke a cap, those behind it were measured beside it. */
  readonly measured: readonly Confirmed<T>[]
}

/** Options of `confirm`. */
export interface ConfirmOptions extends Pick<CommonOptions, 'cost'> {
  /** How many are measured at once, so that they can take turns; 3 unless told otherwise. */
  readonly atOnce?: number
  /** At most so many are measured; all unless told otherwise. */
  readonly most?: number
}

/**
 * Measures candidates for real, best first, and takes the first whose fresh measures keep the budget: predicted measures, such as a latency composed of
 * parts, only say where to look.
 *
 * `measure` gets some candidates and returns the measures of each that are to be believed; those it leaves out stay as they were predicted.
 *
 * Throws where `measure` does not return one object for each, or a capped measure is missing.
 */
export const confirm = async <T>(
  evaluated: readonly Scored<T>[],
  measure: (candidates: readonly Scored<T>[]) => Promise<readonly Measures[]> | readonly Measures[],
  budget: Budget,
  { cost = defaultCost, atOnce = 3, most = evaluated.length }: ConfirmOptions = {},
): Promise<Confirmation<T>> => {
  requireFunction('measure', measure)
  requireInteger('atOnce', atOnce, 1)
  const ranked = [...evaluated].sort(byRank(cost)).slice(0, most)
  const measured: Confirmed<T>[] = []
  for (let first = 0; first < ranked.length; first += atOnce) {
    const some = ranked.slice(first, first + atOnce)
    const fresh = await measure(some)
    if (fresh?.length !== some.length)
      throw new Error(`measure must return the measures of each candidate: expected a list of ${some.length}, got ${describe(fresh)}`)
    for (const [i, candidate] of some.entries()) {
      measured.push({ candidate, fresh: fresh[i]!, keeps: fits({ ...candidate.measures, ...fresh[i] }, budget) })
    }
    const chosen = measured.find(({ keeps }) => keeps)
    if (chosen) return { chosen, measured }
  }
  return { chosen: undefined, measured }
}
