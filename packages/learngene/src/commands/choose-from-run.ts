import type { Budget } from '@learngene/interfaces'
import type { DescendantRow, RunReport } from '@learngene/recipe/reports'
import { chooseDescendant } from '@learngene/recipe/reports'
import { formatShare } from '../report/text.js'

export interface RunChoice {
  readonly chosen: DescendantRow
  readonly runnerUp: DescendantRow | null
  /** Why the runner-up lost. */
  readonly why: string
  /** Of those within the budget, what no other exceeds in accuracy at its cost. */
  readonly pareto: readonly DescendantRow[]
}

/**
 * The best descendant of a run within a budget, by validation accuracy.
 *
 * @throws when none fits, naming the smallest for each cap
 */
export async function chooseFromRun({ descendants }: RunReport, budget: Budget): Promise<RunChoice> {
  const { chosen, runnerUp, whyRunnerUpLost, pareto } = await chooseDescendant(
    descendants,
    budget,
    ({ validationAccuracy }) => validationAccuracy,
  )
  return { chosen: chosen.value, runnerUp: runnerUp?.value ?? null, why: whyRunnerUpLost, pareto: pareto.map(({ value }) => value) }
}

/** What each part of the images had to do with a choice. */
export function splitsText({ validationAccuracy, testAccuracy }: DescendantRow, { validation, test }: RunReport['images']): string {
  return `chosen on ${validation} validation images (${formatShare(validationAccuracy)} right), reported on ${test} test images: ${formatShare(testAccuracy)} right`
}
