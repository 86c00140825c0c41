import { type Confirmed, confirm, formatBudget, type Scored } from '@learngene/budget-search'
import type { Budget } from '@learngene/interfaces'
import type { Measured, MeasuredPath, MeasuredPool } from '../latency/measure-run.js'
import { ms, msText } from './choice-text.js'
import { type ChoiceContext, type MeasuredRow, modelOf, type RunRow } from './run-rows.js'

/** Whole models that are measured at once, in turns. */
const FINALISTS = 4

/** Of all finalists that are measured at once, in seconds. */
const FRESH_SECONDS = 3

/** Where every one of them takes this many times what it is composed of, the machine was busy with something else: they are measured again, at most so often in all. */
const BUSY = 1.15
const TRIES = 2

/**
 * Measures the best until one keeps the caps. A cascade is measured in both cases, and counts with their mean by the share of validation images that it passes on; by other thresholds it
 * need not be measured again.
 *
 * @param ranked best first, with their composed latency
 * @param pool `remedy` is what there is to do besides raising the cap, after a comma, or ''
 * @returns what was measured, by row, and better ones than the choice, which broke a cap
 * @throws where none keeps them, naming the fastest that was measured
 */
export async function measureFinalists(
  ranked: readonly Scored<RunRow>[],
  caps: Budget,
  pool: MeasuredPool & { readonly remedy: string },
  { report, signal }: ChoiceContext,
): Promise<{ readonly freshOf: (row: RunRow) => MeasuredRow | undefined; readonly passedOver: readonly MeasuredRow[] }> {
  const { remedy, ...request } = pool
  const { measurePaths } = await import('../latency/measure-run.js')
  const models = new Map<string, MeasuredPath>()
  const freshOf = (row: RunRow): MeasuredRow | undefined => {
    const found = models.get(modelOf(row))
    return found && { ...expected(found, 'passedOn' in row ? row.passedOn : 0), path: row.path, composedMs: row.latency! }
  }
  const measure = async (some: readonly Scored<RunRow>[]) => {
    const rows = [...new Map(some.map(({ value }) => [modelOf(value), value])).values()].filter((row) => !models.has(modelOf(row)))
    for (let attempt = 1; rows.length > 0 && attempt <= TRIES; attempt++) {
      report({ kind: 'stage', name: `measure ${rows.length} whole ${rows.length === 1 ? 'descendant' : 'descendants'} on ${pool.backend}` })
      const { measured } = await measurePaths({ ...request, seconds: FRESH_SECONDS, paths: rows.map(({ path }) => path) }, signal)
      for (const [i, each] of measured.entries()) {
        const before = models.get(modelOf(rows[i]!))
        if (!before || each.median < before.median) models.set(modelOf(rows[i]!), each)
      }
      if (Math.min(...rows.map((row) => freshOf(row)!.median / row.latency!)) <= BUSY) break
    }
    return some.map(({ value }) => ({ latency: freshOf(value)!.interval[1] }))
  }
  const { chosen, measured } = await confirm(ranked, measure, caps, { cost: 'latency', atOnce: FINALISTS })
  const of = ({ candidate }: Confirmed<RunRow>) => freshOf(candidate.value)!
  if (!chosen) {
    const fastest = measured.map(of).reduce((least, each) => (each.median < least.median ? each : least))
    throw new Error(
      `no descendant keeps ${formatBudget(caps)} when it is measured on ${pool.backend}: the fastest of ${measured.length} is ${fastest.path} with ${msText(fastest)}, composed of its parts ${ms(fastest.composedMs)}; raise the cap${remedy}`,
    )
  }
  return { freshOf, passedOver: measured.filter(({ keeps }, i) => !keeps && i < measured.indexOf(chosen)).map(of) }
}

/** The mean of an image, of which a share is passed on. */
function expected({ both, ...alone }: MeasuredPath, passedOn: number): MeasuredPath {
  if (!both) return alone
  const mean = (of: (each: Measured) => number) => (1 - passedOn) * of(alone) + passedOn * of(both)
  return {
    ...alone,
    median: mean(({ median }) => median),
    decile: mean(({ decile }) => decile),
    interval: [mean(({ interval }) => interval[0]), mean(({ interval }) => interval[1])],
    both,
  }
}
