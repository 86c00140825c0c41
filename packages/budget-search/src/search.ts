import type { Budget, Candidate, Evaluator, SearchSpace } from '@learngene/interfaces'
import { requireFunction, requireInteger, requireObject, requireSpace } from './arguments.js'
import { fits } from './budget.js'
import { type EvolutionaryOptions, type EvolutionaryResult, evolutionarySearch } from './evolutionary.js'
import { trackSmallest } from './feasible.js'
import { type CommonOptions, candidateOf, defaultCost, evaluate, resultOf, type Scored, type SearchResult } from './result.js'

/** Options of `search`: those of both searches; `rng` is needed only where the space is too large to evaluate in full. */
export interface SearchOptions<T> extends ExhaustiveOptions, Partial<EvolutionaryOptions<T>> {
  /** Spaces of at most this many candidates are searched exhaustively; 10,000 unless told otherwise. */
  readonly exhaustiveLimit?: number
}

/**
 * The best candidate within a budget, the Pareto front, and why the runner-up lost: `exhaustiveSearch` where the space counts at most
 * `exhaustiveLimit` candidates, `evolutionarySearch` otherwise; errors as theirs, and one where the latter is needed and `rng` is missing.
 */
export const search = async <T>(
  space: SearchSpace<T>,
  evaluator: Evaluator<T>,
  budget: Budget,
  options: SearchOptions<T> = {},
): Promise<SearchResult<T> & Partial<EvolutionaryResult<T>>> => {
  requireSpace(space, ['count'])
  requireObject('options', options)
  const limit = requireInteger('exhaustiveLimit', options.exhaustiveLimit ?? 10_000, 0)
  const count = space.count()
  if (count <= limit) return exhaustiveSearch(space, evaluator, budget, options)
  const { rng } = options
  if (!rng) throw new Error(`a space of ${count} candidates, more than exhaustiveLimit ${limit}, is searched at random: pass options.rng`)
  return evolutionarySearch(space, evaluator, budget, { ...options, rng })
}

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
    const candidate = await candidateOf(space, value)
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
