import type { Measures, SearchSpace } from '@learngene/interfaces'
import { requireFunction, requireObject, requireSpace } from './arguments.js'

/** A measure of a user's own: latency, energy, or whatever else a candidate costs. Smaller is better. */
export type Measure<T> = (value: T) => number | Promise<number>

/**
 * The space with further measures, which budgets can cap and searches can minimise like its own. Each is asked once for each candidate that a search
 * looks at, so a costly one should remember what it knows.
 *
 * Throws where a measure is not a function, or the space has no cost().
 */
export const withMeasures = <T, S extends Pick<SearchSpace<T>, 'cost'>>(
  space: S & Pick<SearchSpace<T>, 'cost'>,
  measures: { readonly [name: string]: Measure<T> },
): Omit<S, 'cost'> & { cost(value: T): Promise<Measures> } => {
  requireSpace(space, ['cost'])
  requireObject('measures', measures)
  for (const [name, measure] of Object.entries(measures)) requireFunction(`the measure ${name}`, measure)
  return {
    ...space,
    async cost(value) {
      const own = await Promise.all(Object.entries(measures).map(async ([name, measure]) => [name, await measure(value)] as const))
      return { ...(await space.cost(value)), ...Object.fromEntries(own) }
    },
  }
}
