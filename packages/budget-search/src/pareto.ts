import type { Candidate } from '@learngene/interfaces'
import { describe, requireObject } from './arguments.js'
import { measureOf } from './budget.js'

/** What a Pareto front minimises: one measure or several. */
export type CostMeasures = string | readonly string[]

/** The measures as a list. Throws where there is none. */
export const costList = (cost: CostMeasures): readonly string[] => {
  const list = typeof cost === 'string' ? [cost] : cost
  if (!Array.isArray(list)) throw new Error(`cost must name one measure or several, for example 'macs': got ${describe(cost)}`)
  if (list.length === 0) throw new Error("cost must name at least one measure to minimise, for example 'macs': got an empty list")
  return list
}

/** A candidate's score. Throws where it was not evaluated. */
export const scoreOf = ({ key, score }: Candidate<unknown>): number => {
  if (score !== undefined && Number.isFinite(score)) return score
  throw new Error(`a Pareto front needs a finite score of every candidate: ${key} has ${score}; evaluate it first`)
}

interface Point<C> {
  readonly candidate: C
  readonly costs: readonly number[]
  readonly score: number
}

const compareCosts = (a: readonly number[], b: readonly number[]): number => {
  const first = a.findIndex((value, i) => value !== b[i])
  return first < 0 ? 0 : a[first]! - b[first]!
}

/** No cost of `a` is higher, its score is not lower, and one of these is strictly better. */
const dominates = (a: Point<unknown>, b: Point<unknown>): boolean =>
  a.score >= b.score &&
  a.costs.every((cost, i) => cost <= b.costs[i]!) &&
  (a.score > b.score || a.costs.some((cost, i) => cost < b.costs[i]!))

/**
 * The Pareto front: the candidates that no other candidate dominates. One dominates another when no cost of it is higher, its score is
 * not lower, and at least one of these is strictly better.
 *
 * Order: ascending by the first cost, then by the next ones. Candidates equal in all costs and the score do not dominate each other: all
 * are kept, in input order. Takes O(n log n) for one cost and O(n x front) for several.
 *
 * Throws where a candidate lacks a cost or a finite score.
 */
export const pareto = <C extends Candidate<unknown>>(candidates: readonly C[], options: { readonly cost: CostMeasures }): C[] => {
  if (!Array.isArray(candidates)) throw new Error(`candidates must be a list: got ${describe(candidates)}`)
  requireObject('options', options)
  const names = costList(options.cost)
  const points = candidates.map((candidate): Point<C> => {
    return { candidate, costs: names.map((name) => measureOf(candidate.measures, name)), score: scoreOf(candidate) }
  })
  points.sort((a, b) => compareCosts(a.costs, b.costs) || b.score - a.score)
  const front: Point<C>[] = []
  for (const point of points) {
    // With one cost, the last of the front has the best score so far and costs no more than the point: it dominates if any does.
    const rivals = names.length === 1 ? front.slice(-1) : front
    if (!rivals.some((rival) => dominates(rival, point))) front.push(point)
  }
  return front.map((point) => point.candidate)
}
