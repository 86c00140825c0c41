import type { Candidate, Evaluator, SearchSpace } from '@learngene/interfaces'

import { describe } from './arguments.js'

/** A candidate that was evaluated. */
export type Scored<T> = Candidate<T> & { readonly score: number }

/** A value of the space with its key and measures. */
export const candidateOf = <T>(space: Pick<SearchSpace<T>, 'cost' | 'key'>, value: T): Candidate<T> => ({
  value,
  key: space.key(value),
  measures: space.cost(value),
})

/** Scores the candidates in one call. Throws where the evaluator does not return one finite score for each. */
export const evaluate = async <T>(evaluator: Evaluator<T>, candidates: readonly Candidate<T>[]): Promise<Scored<T>[]> => {
  const scores = await evaluator(candidates.map(({ value }) => value))
  if (typeof scores?.length !== 'number' || typeof scores === 'string')
    throw new Error(`an evaluator must return a list of scores: got ${describe(scores)}`)
  if (scores.length !== candidates.length) {
    throw new Error(`an evaluator must return one score for each value: expected ${candidates.length}, got ${scores.length}`)
  }
  return candidates.map((candidate, i) => {
    const score = scores[i]
    if (typeof score !== 'number' || !Number.isFinite(score)) {
      throw new Error(`an evaluator must return finite numbers, higher is better: got ${score} for ${candidate.key}`)
    }
    return { ...candidate, score }
  })
}
