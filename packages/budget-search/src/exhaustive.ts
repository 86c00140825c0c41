import type { Budget, Candidate, Evaluator, SearchSpace } from '@learngene/interfaces'
import { requireFunction, requireSpace } from './arguments.js'
import { fits } from './constraints.js'
import { candidateOf, evaluate, type Scored } from './evaluate.js'
import { trackSmallest } from './infeasible.js'
import { type CommonOptions, defaultCost, requireInteger } from './options.js'
import { resultOf, type SearchResult } from './result.js'

/** Options of `exhaustiveSearch`. */
export interface ExhaustiveOptions extends CommonOptions {
  /** How many values the evaluator receives at once, at most; 64 unless told otherwise. */
  readonly batchSize?: number
}

/**
 * Evaluates every candidate that keeps the budget and returns the best. The space is streamed; only candidates that fit are kept.
 *
 * Throws `InfeasibleBudgetError` where none fits, and an error where the space is empty, repeats a key, lacks a capped measure or cost, or
 * where the evaluator does not return one finite score for each value.
 */
export const exhaustiveSearch = async <T>(
  space: Pick<SearchSpace<T>, 'count' | 'enumerate' | 'cost' | 'key'>,
  evaluator: Evaluator<T>,
  budget: Budget,
  { cost = defaultCost, batchSize = 64, reporter }: ExhaustiveOptions = {},
): Promise<SearchResult<T>> => {
  requireSpace(space, ['count', 'enumerate', 'cost', 'key'])
  requireFunction('the evaluator', evaluator)
  requireInteger('batchSize', batchSize, 1)
  const tracker = trackSmallest(budget)
  const seen = new Set<string>()
  const evaluated: Scored<T>[] = []
  const total = space.count()
  let batch: Candidate<T>[] = []
  const flush = async (): Promise<void> => {
    evaluated.push(...(await evaluate(evaluator, batch)))
    batch = []
    reporter?.({ kind: 'progress', done: seen.size, total })
  }

  reporter?.({ kind: 'stage', name: 'search', total })
  for (const value of space.enumerate()) {
    const candidate = candidateOf(space, value)
    if (seen.has(candidate.key)) throw new Error(`keys must be unique within a space: ${candidate.key} was enumerated twice`)
    seen.add(candidate.key)
    tracker.observe(candidate)
    if (!fits(candidate.measures, budget)) continue
    batch.push(candidate)
    if (batch.length === batchSize) await flush()
  }
  if (seen.size === 0) throw new Error('a search needs at least one candidate: the space enumerates none')
  if (batch.length > 0) await flush()
  if (evaluated.length === 0) throw tracker.error(true)
  return resultOf(evaluated, cost)
}
