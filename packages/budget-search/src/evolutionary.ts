import type { Budget, Candidate, Evaluator, Rng, SearchSpace } from '@learngene/interfaces'
import { requireFunction, requireInteger, requireObject, requireRng, requireSpace } from './arguments.js'
import { fits } from './budget.js'
import { feasibleStart, mutateSome } from './feasible.js'
import { type CostMeasures, pareto } from './pareto.js'
import { byRank, type CommonOptions, candidateOf, defaultCost, evaluate, resultOf, type Scored, type SearchResult } from './result.js'
import { fitRidge } from './ridge.js'

/** Options of `evolutionarySearch`. */
export interface EvolutionaryOptions<T> extends CommonOptions {
  /** All randomness comes from a fork of it: the same generator gives the same search, whatever was drawn from it before. */
  readonly rng: Rng
  /** Candidates evaluated at first and in each generation, at most; as many become parents. 32 unless told otherwise. */
  readonly population?: number
  /** Generations after the first population; 30 unless told otherwise. */
  readonly generations?: number
  /** Offspring proposed for each one evaluated; the predictor chooses among them. 8 unless told otherwise, 1 switches it off. */
  readonly proposals?: number
  /** What the predictor sees of a value: finite numbers, always as many. The space's own features, or the measures and their logarithms, unless told otherwise. */
  readonly features?: (value: T) => readonly number[]
}

/** Share of each generation that is drawn among the proposals without asking the predictor, which may be wrong. */
const unpredicted = 0.25

/** Share of the proposals that are new random candidates rather than mutated parents. */
const immigrants = 0.1

/** Attempts for each wanted proposal; most fail where the budget is tight or the neighbourhood is known. */
const attempts = 8

const predictorLambda = 1e-3

/** The measures in the order of their names, each as it is and as its inverse hyperbolic sine: a logarithm that takes any number. */
const measureFeatures = ({ measures }: Candidate<unknown>): number[] =>
  Object.keys(measures)
    .sort()
    .flatMap((name) => [measures[name]!, Math.asinh(measures[name]!)])

/** Half of them the best by rank, the rest spread evenly over the Pareto front. */
const selectParents = <T>(evaluated: readonly Scored<T>[], size: number, cost: CostMeasures): Scored<T>[] => {
  const best = [...evaluated].sort(byRank(cost)).slice(0, Math.ceil(size / 2))
  const front = pareto(evaluated, { cost })
  const spread = Math.min(size - best.length, front.length)
  return [...best, ...Array.from({ length: spread }, (_, i) => front[Math.floor((i * front.length) / spread)]!)]
}

/** Different candidates that fit and were not evaluated yet: at most `wanted`, fewer where the attempts run out. */
const propose = async <T>(
  space: SearchSpace<T>,
  budget: Budget,
  parents: readonly Scored<T>[],
  isKnown: (key: string) => boolean,
  wanted: number,
  rng: Rng,
): Promise<Candidate<T>[]> => {
  const offspring = new Map<string, Candidate<T>>()
  for (let attempt = 0; attempt < attempts * wanted && offspring.size < wanted; attempt++) {
    const value = rng.uniform() < immigrants ? space.sample(rng) : mutateSome(space, parents[rng.integer(parents.length)]!.value, rng)
    const candidate = await candidateOf(space, value)
    if (!isKnown(candidate.key) && fits(candidate.measures, budget)) offspring.set(candidate.key, candidate)
  }
  return [...offspring.values()]
}

/** A candidate, and where it was predicted what it would score. */
interface Proposed<T> {
  readonly candidate: Candidate<T>
  readonly prediction?: number
}

/** The offspring that the predictor ranks highest, and a few of the others by chance. */
const preselect = <T>(
  offspring: readonly Candidate<T>[],
  evaluated: readonly Scored<T>[],
  features: (candidate: Candidate<T>) => readonly number[],
  size: number,
  rng: Rng,
): Proposed<T>[] => {
  if (offspring.length <= size) return offspring.map((candidate) => ({ candidate }))
  const predict = fitRidge(
    evaluated.map(features),
    evaluated.map(({ score }) => score),
    predictorLambda,
  )
  const ranked = offspring
    .map((candidate) => ({ candidate, prediction: predict(features(candidate)) }))
    .sort((a, b) => b.prediction - a.prediction)
  const predicted = Math.ceil(size * (1 - unpredicted))
  const rest = ranked.slice(predicted)
  const lucky = rng.permutation(rest.length).subarray(0, size - predicted)
  return [...ranked.slice(0, predicted), ...Array.from(lucky, (i) => rest[i]!)]
}

/** How well a predictor knew scores before they were there: those of each generation by the generations before. */
export interface PredictorError {
  /** Candidates that were predicted and then evaluated. */
  readonly heldOut: number
  /** Mean of |predicted - score| over them. */
  readonly meanError: number
  /** Mean of |mean score - score| over them: what a predictor that knows nothing would miss. */
  readonly meanDeviation: number
}

/** What `evolutionarySearch` found. */
export interface EvolutionaryResult<T> extends SearchResult<T> {
  /** Undefined where the predictor was never asked. */
  readonly predictor: PredictorError | undefined
}

const errorOf = (predictions: readonly number[], scores: readonly number[]): PredictorError | undefined => {
  const heldOut = scores.length
  if (heldOut === 0) return undefined
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / heldOut
  const centre = mean(scores)
  return {
    heldOut,
    meanError: mean(scores.map((score, i) => Math.abs(score - predictions[i]!))),
    meanDeviation: mean(scores.map((score) => Math.abs(score - centre))),
  }
}

/**
 * Searches a space too large to list: `count` and `enumerate` are never called. Each generation mutates the best candidates and those on
 * the Pareto front, drops what breaks a cap, and evaluates what a ridge regression on the scores so far ranks highest. Only candidates that
 * fit are ever evaluated, each once. At most population x (generations + 1) evaluations, one evaluator call for each generation; it ends
 * early where no new candidate that fits turns up. A heuristic: it need not find the optimum.
 *
 * Throws `InfeasibleBudgetError` where no candidate that fits is found (smallest models by a short search, and the error says so), and an
 * error for options out of range, a capped measure or cost that is missing, feature vectors of unequal length, or scores that are not one
 * finite number for each value.
 */
export const evolutionarySearch = async <T>(
  space: SearchSpace<T>,
  evaluator: Evaluator<T>,
  budget: Budget,
  options: EvolutionaryOptions<T>,
): Promise<EvolutionaryResult<T>> => {
  requireSpace(space, ['sample', 'mutate', 'cost', 'key'])
  requireFunction('the evaluator', evaluator)
  requireObject('options', options)
  const { rng, population = 32, generations = 30, proposals = 8, features, cost = defaultCost, reporter } = options
  requireRng(rng)
  if (features !== undefined) requireFunction('features', features)
  requireInteger('population', population, 2)
  requireInteger('generations', generations, 0)
  requireInteger('proposals', proposals, 1)
  const random = rng.fork('evolutionary-search')
  const seen = features ?? space.features?.bind(space)
  const describe = seen ? ({ value }: Candidate<T>) => seen(value) : measureFeatures
  const [predictions, outcomes]: [number[], number[]] = [[], []]
  const evaluated: Scored<T>[] = []
  const known = new Set<string>()
  let best = Number.NEGATIVE_INFINITY
  const step = async (proposed: readonly Proposed<T>[], generation: number): Promise<void> => {
    const scored = await evaluate(
      evaluator,
      proposed.map(({ candidate }) => candidate),
    )
    evaluated.push(...scored)
    for (const [i, { candidate, prediction }] of proposed.entries()) {
      known.add(candidate.key)
      if (prediction === undefined) continue
      predictions.push(prediction)
      outcomes.push(scored[i]!.score)
    }
    best = scored.reduce((highest, { score }) => Math.max(highest, score), best)
    reporter?.({ kind: 'progress', done: generation + 1, total: generations + 1, metrics: { best, evaluated: evaluated.length } })
  }

  reporter?.({ kind: 'stage', name: 'search', total: generations + 1 })
  const start = await feasibleStart(space, budget, population, random)
  await step(
    start.map((candidate) => ({ candidate })),
    0,
  )
  for (let generation = 1; generation <= generations; generation++) {
    const parents = selectParents(evaluated, population, cost)
    const offspring = await propose(space, budget, parents, (key) => known.has(key), population * proposals, random)
    if (offspring.length === 0) break
    await step(preselect(offspring, evaluated, describe, population, random), generation)
  }
  return { ...resultOf(evaluated, cost), predictor: errorOf(predictions, outcomes) }
}
