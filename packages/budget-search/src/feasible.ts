import type { Budget, Candidate, Rng, SearchSpace } from '@learngene/interfaces'
import { constraintsOf, fits, measureOf, overshoot } from './constraints.js'
import { candidateOf } from './evaluate.js'
import { trackSmallest } from './infeasible.js'

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
const descend = <T>(
  space: SearchSpace<T>,
  start: Candidate<T>,
  energy: (candidate: Candidate<T>) => number,
  done: (candidate: Candidate<T>) => boolean,
  observe: (candidate: Candidate<T>) => void,
  rng: Rng,
): Candidate<T> => {
  let current = start
  let level = energy(start)
  observe(start)
  for (let step = 0; step < walkSteps && !done(current); step++) {
    const next = candidateOf(space, mutateSome(space, current.value, rng))
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
export const feasibleStart = <T>(space: SearchSpace<T>, budget: Budget, size: number, rng: Rng): Candidate<T>[] => {
  const tracker = trackSmallest(budget)
  const found = new Map<string, Candidate<T>>()
  const inBudget = (candidate: Candidate<T>): boolean => fits(candidate.measures, budget)
  const observe = (candidate: Candidate<T>): void => {
    tracker.observe(candidate)
    if (found.size < size && inBudget(candidate)) found.set(candidate.key, candidate)
  }
  const sample = (): Candidate<T> => candidateOf(space, space.sample(rng))

  for (let i = 0; i < size; i++) descend(space, sample(), ({ measures }) => overshoot(measures, budget), inBudget, observe, rng)
  if (found.size > 0) return [...found.values()]
  for (const { measure } of constraintsOf(budget)) {
    for (let walk = 0; walk < minimisingWalks; walk++) {
      descend(
        space,
        sample(),
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
