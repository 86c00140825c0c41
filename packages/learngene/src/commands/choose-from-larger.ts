import type { LatencyProfile } from '@learngene/bench/latency'
import type { RunReport } from '@learngene/recipe/reports'
import { type ChooseOptions, chooseFromRun, type RunChoice } from './choose-from-run.js'
import type { ChoiceContext, RunRow } from './run-rows.js'
import type { LargerOptions, LargerSearch } from './search-larger.js'

/**
 * The best of the run's descendants and of all that a search of the pool's other paths finds. Those that are told of are tested.
 *
 * @throws as `chooseFromRun` and `openLarger`
 */
export async function chooseFromLarger(
  report: RunReport,
  { stitches, evaluations, seed, backend, ...options }: ChooseOptions & Omit<LargerOptions, 'caps' | 'objective'>,
  context: ChoiceContext,
): Promise<RunChoice & { readonly search: LargerSearch }> {
  const { budget, objective = 'accuracy', minAccuracy } = options
  const { openLarger } = await import('./search-larger.js')
  const larger = await openLarger(report, { stitches, evaluations, seed, backend, caps: budget.caps, objective, minAccuracy }, context)
  try {
    let search: LargerSearch | undefined
    const others = async (profile?: LatencyProfile) => {
      const { rows, summary } = await larger.search(profile)
      search = summary
      return rows
    }
    const { chosen, runnerUp, pareto, ...choice } = await chooseFromRun(report, { ...options, others }, context)
    const shown = [chosen, ...(runnerUp ? [runnerUp] : []), ...pareto]
    const untested = shown.flatMap(({ path, testAccuracy }) => (testAccuracy === undefined ? [path] : []))
    context.report({ kind: 'stage', name: 'test those that are told of' })
    const tested = await larger.test([...new Set(untested)])
    const told = (row: RunRow): RunRow => ({ testAccuracy: tested.get(row.path), ...row })
    return { ...choice, chosen: told(chosen), runnerUp: runnerUp && told(runnerUp), pareto: pareto.map(told), search: search! }
  } finally {
    larger.dispose()
  }
}
