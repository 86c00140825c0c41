import type { Reporter } from '@learngene/interfaces'
import type { CostMeasures } from './pareto.js'

/** Options of every search. */
export interface CommonOptions {
  /** What the Pareto front minimises and what decides between equal scores; `macs` unless told otherwise. */
  readonly cost?: CostMeasures
  /** Receives progress. */
  readonly reporter?: Reporter
}

/** The cost measure where none is named. */
export const defaultCost = 'macs'

/** Throws unless the option is an integer of at least `least`. */
export const requireInteger = (name: string, value: number, least: number): number => {
  if (Number.isInteger(value) && value >= least) return value
  throw new Error(`${name} must be an integer of at least ${least}: got ${value}`)
}
