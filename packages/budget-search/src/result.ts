import type { Candidate, Evaluator, Reporter, SearchSpace } from '@learngene/interfaces'
import { describe } from './arguments.js'
import { formatMeasure, measureOf } from './budget.js'
import { type CostMeasures, costList, pareto } from './pareto.js'

/** Options of every search. */
export interface CommonOptions {
  /** What the Pareto front minimises and what decides between equal scores; `macs` unless told otherwise. */
  readonly cost?: CostMeasures
  /** Receives progress. */
  readonly reporter?: Reporter
}

/** The cost measure where none is named. */
export const defaultCost = 'macs'

/** A candidate that was evaluated. */
export type Scored<T> = Candidate<T> & { readonly score: number }

/** A value of the space with its key and measures. */
export const candidateOf = async <T>(space: Pick<SearchSpace<T>, 'cost' | 'key'>, value: T): Promise<Candidate<T>> => ({
  value,
  key: space.key(value),
  measures: await space.cost(value),
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

/** What a search found. Every candidate in it keeps all caps. */
export interface SearchResult<T> {
  /** The best evaluated candidate: highest score, then lowest cost, then first key. */
  readonly chosen: Scored<T>
  /** The second best; undefined where only one candidate was evaluated. */
  readonly runnerUp: Scored<T> | undefined
  /** One sentence. */
  readonly whyRunnerUpLost: string
  /** The Pareto front of the evaluated candidates, ascending by cost. */
  readonly pareto: readonly Scored<T>[]
  /** Every evaluated candidate once, in the order of evaluation. */
  readonly evaluated: readonly Scored<T>[]
}

type Ranking = (a: Scored<unknown>, b: Scored<unknown>) => number

/** Sorts best first: score descending, then the costs ascending, then the key by code units. */
export const byRank = (cost: CostMeasures): Ranking => {
  const names = costList(cost)
  return (a, b) => {
    if (a.score !== b.score) return b.score - a.score
    for (const name of names) {
      const difference = measureOf(a.measures, name) - measureOf(b.measures, name)
      if (difference !== 0) return difference
    }
    return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
  }
}

/** Both numbers with as few digits, four at least, as tell them apart. */
const distinctly = (a: number, b: number): [string, string] => {
  for (let digits = 4; digits < 17; digits++) {
    const rounded = [Number(a.toPrecision(digits)), Number(b.toPrecision(digits))] as const
    if (rounded[0] !== rounded[1]) return [String(rounded[0]), String(rounded[1])]
  }
  return [String(a), String(b)]
}

const whyLost = (winner: Scored<unknown>, loser: Scored<unknown>, cost: CostMeasures): string => {
  if (loser.score !== winner.score) {
    const [lower, higher] = distinctly(loser.score, winner.score)
    return `${loser.key} lost: its score is ${lower}, that of ${winner.key} is ${higher}`
  }
  for (const name of costList(cost)) {
    const [more, less] = [measureOf(loser.measures, name), measureOf(winner.measures, name)]
    if (more !== less) {
      return `${loser.key} lost: its score ${winner.score} is the same as that of ${winner.key}, but its ${name} is ${formatMeasure(name, more)} against ${formatMeasure(name, less)}`
    }
  }
  return `${loser.key} lost: its score ${winner.score} and its ${costList(cost).join(', ')} are the same as those of ${winner.key}, whose key comes first`
}

/** Ranks what was evaluated, which must be at least one candidate. */
export const resultOf = <T>(evaluated: readonly Scored<T>[], cost: CostMeasures): SearchResult<T> => {
  const [chosen, runnerUp] = [...evaluated].sort(byRank(cost))
  return {
    chosen: chosen!,
    runnerUp,
    whyRunnerUpLost: runnerUp ? whyLost(chosen!, runnerUp, cost) : 'there is no runner-up: no other candidate that fits was evaluated',
    pareto: pareto(evaluated, { cost }),
    evaluated,
  }
}
