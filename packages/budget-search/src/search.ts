import type { Budget, Evaluator, SearchSpace } from '@learngene/interfaces'
import { requireObject, requireSpace } from './arguments.js'
import { type EvolutionaryOptions, evolutionarySearch } from './evolutionary.js'
import { type ExhaustiveOptions, exhaustiveSearch } from './exhaustive.js'
import { requireInteger } from './options.js'
import type { SearchResult } from './result.js'

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
): Promise<SearchResult<T>> => {
  requireSpace(space, ['count'])
  requireObject('options', options)
  const limit = requireInteger('exhaustiveLimit', options.exhaustiveLimit ?? 10_000, 0)
  const count = space.count()
  if (count <= limit) return exhaustiveSearch(space, evaluator, budget, options)
  const { rng } = options
  if (!rng) throw new Error(`a space of ${count} candidates, more than exhaustiveLimit ${limit}, is searched at random: pass options.rng`)
  return evolutionarySearch(space, evaluator, budget, { ...options, rng })
}
