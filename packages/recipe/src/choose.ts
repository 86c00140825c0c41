import { type ExhaustiveOptions, exhaustiveSearch, type SearchResult } from '@learngene/budget-search'
import type { Budget } from '@learngene/interfaces'
import type { DescendantRow } from './report.js'

/** What a choice needs of a descendant. */
export type Choosable = Pick<DescendantRow, 'path' | 'macs' | 'parameters' | 'memory' | 'bytes'> & {
  /** Milliseconds, where it is measured. */
  readonly latency?: number
}

/** What of a descendant is known, by the names that budgets have. */
export function measuresOf({ macs, parameters, memory, bytes, latency }: Choosable): { readonly [measure: string]: number } {
  return { macs, parameters, memory, ...(bytes !== undefined && { bytes }), ...(latency !== undefined && { latency }) }
}

/**
 * The best descendant within the budget, by a score such as validation accuracy.
 *
 * @param options.cost what ties and the front go by; default MACs
 * @throws InfeasibleBudgetError naming the smallest descendant for each cap that cannot be met
 */
export function chooseDescendant<Row extends Choosable>(
  rows: readonly Row[],
  budget: Budget,
  score: (row: Row) => number,
  options: Pick<ExhaustiveOptions, 'cost'> = {},
): Promise<SearchResult<Row>> {
  const space = {
    count: () => rows.length,
    enumerate: () => rows,
    cost: measuresOf,
    key: ({ path }: Row) => path,
  }
  return exhaustiveSearch<Row>(space, (values) => values.map(score), budget, options)
}
