import { exhaustiveSearch, type SearchResult } from '@learngene/budget-search'
import type { Budget } from '@learngene/interfaces'
import type { DescendantRow } from './report.js'

/** What a choice needs of a descendant. */
export type Choosable = Pick<DescendantRow, 'path' | 'macs' | 'parameters' | 'memory' | 'bytes'>

/**
 * The best descendant within the budget, by validation accuracy.
 *
 * @throws InfeasibleBudgetError naming the smallest descendant for each cap that cannot be met
 */
export function chooseDescendant<Row extends Choosable>(
  rows: readonly Row[],
  budget: Budget,
  score: (row: Row) => number,
): Promise<SearchResult<Row>> {
  const space = {
    count: () => rows.length,
    enumerate: () => rows,
    cost: ({ macs, parameters, memory, bytes }: Row) => ({ macs, parameters, memory, ...(bytes !== undefined && { bytes }) }),
    key: ({ path }: Row) => path,
  }
  return exhaustiveSearch(space, (values) => values.map(score), budget)
}
