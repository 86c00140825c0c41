import type { Budget, Candidate, Rng, SearchSpace } from '@learngene/interfaces'
import { constraintsOf, fits, formatBudget, formatMeasure, measureOf, overshoot, type Violation } from './budget.js'
import { candidateOf } from './result.js'

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
interface SmallestTracker {
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

/** Steps of one walk toward feasibility, or toward the smallest candidate; each computes one cost and evaluates nothing. */
const walkSteps = 400

/** Walks that look for the smallest candidate by one measure. */
const minimisingWalks = 8

/** One mutation, or two with probability 1/2, or three with 1/4, ...: several at once cross what a single one cannot. */
export const mutateSome = <T>(space: SearchSpace<T>, value: T, rng: Rng): T => {
  let next = space.mutate(value, rng)
  while (rng.uniform() < 0.5) next = space.mutate(next, rng)
  return next
}

/**
 * Walks from `start` by mutations that do not raise the energy, until `done` says so or the steps are used up; returns where it ended.
 * `observe` sees every candidate on the way, accepted or not.
 */
const descend = async <T>(
  space: SearchSpace<T>,
  start: Candidate<T>,
  energy: (candidate: Candidate<T>) => number,
  done: (candidate: Candidate<T>) => boolean,
  observe: (candidate: Candidate<T>) => void,
  rng: Rng,
): Promise<Candidate<T>> => {
  let current = start
  let level = energy(start)
  observe(start)
  for (let step = 0; step < walkSteps && !done(current); step++) {
    const next = await candidateOf(space, mutateSome(space, current.value, rng))
    observe(next)
    const nextLevel = energy(next)
    if (nextLevel <= level) {
      current = next
      level = nextLevel
    }
  }
  return current
}

/**
 * At most `size` different candidates that keep the budget: random ones, and where a random one does not fit, what mutations that lower its
 * excess lead to.
 *
 * Throws `InfeasibleBudgetError` where none is found, with the smallest candidate found by each capped measure.
 */
export const feasibleStart = async <T>(space: SearchSpace<T>, budget: Budget, size: number, rng: Rng): Promise<Candidate<T>[]> => {
  const tracker = trackSmallest(budget)
  const found = new Map<string, Candidate<T>>()
  const inBudget = (candidate: Candidate<T>): boolean => fits(candidate.measures, budget)
  const observe = (candidate: Candidate<T>): void => {
    tracker.observe(candidate)
    if (found.size < size && inBudget(candidate)) found.set(candidate.key, candidate)
  }
  const sample = (): Promise<Candidate<T>> => candidateOf(space, space.sample(rng))

  for (let i = 0; i < size; i++) await descend(space, await sample(), ({ measures }) => overshoot(measures, budget), inBudget, observe, rng)
  if (found.size > 0) return [...found.values()]
  for (const { measure } of constraintsOf(budget)) {
    for (let walk = 0; walk < minimisingWalks; walk++) {
      await descend(
        space,
        await sample(),
        ({ measures }) => measureOf(measures, measure),
        () => found.size > 0,
        observe,
        rng,
      )
    }
  }
  if (found.size > 0) return [...found.values()]
  throw tracker.error(false)
}
