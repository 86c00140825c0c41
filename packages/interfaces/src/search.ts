import type { Rng } from './rng.js'

/** A descendant with its measures (macs, parameters, memory, ...) and, once evaluated, its score (higher is better). */
export interface Candidate<T> {
  readonly value: T
  /** Unique within the space. */
  readonly key: string
  readonly measures: Measures
  readonly score?: number
}

/** What a candidate costs, by name: macs, parameters, memory, latency, energy, ... */
export type Measures = { readonly [measure: string]: number }

/** A space of candidates, searched without being listed. Knows nothing of tensors. */
export interface SearchSpace<T> {
  /** How many candidates there are; may be computed without enumerating. */
  count(): number
  enumerate(): Iterable<T>
  sample(rng: Rng): T
  /** A neighbour of the candidate inside the space. */
  mutate(value: T, rng: Rng): T
  /** The candidate's measures, by name; at once, or when they have been measured. */
  cost(value: T): Measures | Promise<Measures>
  /** Unique and stable name of the candidate. */
  key(value: T): string
  /** What a predictor of scores sees of the candidate: finite numbers, always as many. */
  features?(value: T): readonly number[]
}

/** Scores candidates, higher is better. Called with several at once so that shared work can be shared. */
export type Evaluator<T> = (values: readonly T[]) => Promise<readonly number[]> | readonly number[]
