import type { Budget, Candidate, Evaluator, Rng, SearchSpace } from '@learngene/interfaces'
import { requireFunction, requireInteger, requireObject, requireRng, requireSpace } from './arguments.js'
import { fits } from './budget.js'
import { trackSmallest } from './feasible.js'
import { type CommonOptions, candidateOf, defaultCost, evaluate, resultOf, type Scored, type SearchResult } from './result.js'

/** Options of `randomSearch`. */
export interface RandomOptions extends CommonOptions {
  /** All randomness comes from a fork of it. */
  readonly rng: Rng
  /** Candidates that are evaluated, at most. */
  readonly evaluations: number
  /** How many values the evaluator receives at once, at most; 64 unless told otherwise. */
  readonly batchSize?: number
}

/** Draws for each wanted candidate: most break a cap where the budget is tight. */
const attempts = 1000

/**
 * The best of so many different random candidates that keep the budget: what any other search has to be ahead of at as many evaluations.
 *
 * Throws `InfeasibleBudgetError` where none of those drawn fits, and as `evolutionarySearch` for what is no space, evaluator or option.
 */
export const randomSearch = async <T>(
  space: SearchSpace<T>,
  evaluator: Evaluator<T>,
  budget: Budget,
  options: RandomOptions,
): Promise<SearchResult<T>> => {
  requireSpace(space, ['sample', 'cost', 'key'])
  requireFunction('the evaluator', evaluator)
  requireObject('options', options)
  const { rng, evaluations, cost = defaultCost, batchSize = 64, reporter } = options
  requireRng(rng)
  requireInteger('evaluations', evaluations, 1)
  requireInteger('batchSize', batchSize, 1)
  const random = rng.fork('random-search')
  const tracker = trackSmallest(budget)
  const known = new Set<string>()
  const evaluated: Scored<T>[] = []
  let batch: Candidate<T>[] = []
  for (let drawn = 0; drawn < attempts * evaluations && known.size < evaluations; drawn++) {
    const candidate = await candidateOf(space, space.sample(random))
    tracker.observe(candidate)
    if (known.has(candidate.key) || !fits(candidate.measures, budget)) continue
    known.add(candidate.key)
    batch.push(candidate)
    if (batch.length < batchSize && known.size < evaluations) continue
    evaluated.push(...(await evaluate(evaluator, batch)))
    batch = []
    reporter?.({ kind: 'progress', done: known.size, total: evaluations })
  }
  if (batch.length > 0) evaluated.push(...(await evaluate(evaluator, batch)))
  if (evaluated.length === 0) throw tracker.error(false)
  return resultOf(evaluated, cost)
}
