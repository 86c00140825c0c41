import type { DescendantRow, RunReport } from '@learngene/recipe/reports'
import { chooseDescendant } from '@learngene/recipe/reports'
import { totalSeconds } from './text.js'

/** A run and where it is. */
export interface Run {
  /** What it is called beside the others, each by another name. */
  readonly name: string
  readonly dir: string
  readonly report: RunReport
}

/** What of a run stands beside that of others. */
export interface RunSummary {
  readonly name: string
  readonly dir: string
  readonly command: RunReport['command']
  readonly version: string
  readonly seed: number
  readonly backend: RunReport['backend']
  readonly workers: number
  readonly images: RunReport['images']
  readonly ancestor: RunReport['ancestor']
  /** Names, ascending by width. */
  readonly tiers: readonly string[]
  readonly descendants: number
  /** What was chosen under the run's own budget. */
  readonly chosen: Best & { readonly budget: RunReport['choice']['budget'] }
  /** The best by validation accuracy within each budget that one of the runs names, the same budgets for all; null where nothing is so small. */
  readonly best: readonly { readonly macs: number; readonly descendant: Best | null }[]
  /** The Pareto front of MACs and validation accuracy, by rising MACs. */
  readonly front: readonly Best[]
  readonly storedParameters: number
  readonly seconds: number
}

export type Best = Pick<DescendantRow, 'path' | 'macs' | 'parameters' | 'validationAccuracy' | 'testAccuracy'>

/** Runs side by side, in the order given. */
export async function compareRuns(runs: readonly Run[]): Promise<RunSummary[]> {
  const caps = [...new Set(runs.flatMap(({ report }) => report.choices.map(({ budget }) => budget.macs)))].sort((a, b) => b - a)
  return Promise.all(runs.map((run) => summarise(run, caps)))
}

async function summarise({ name, dir, report }: Run, caps: readonly number[]): Promise<RunSummary> {
  const { ancestor, auxiliaries, backend, choice, command, descendants, images, seed, storage, version, workers } = report
  const within = async (macs: number) => {
    if (!descendants.some((row) => row.macs <= macs)) return null
    const { chosen } = await chooseDescendant(descendants, { macs }, ({ validationAccuracy }) => validationAccuracy)
    return bestOf(chosen.value)
  }
  const chosen = descendants.find(({ path }) => path === choice.path)
  if (!chosen)
    throw new Error(`the report of ${dir} is damaged: it chose ${choice.path}, which is none of its descendants; make the run again`)
  return {
    name,
    dir,
    command,
    version,
    seed,
    backend,
    workers,
    images,
    ancestor,
    tiers: auxiliaries.map((tier) => tier.name),
    descendants: descendants.length,
    chosen: { budget: choice.budget, ...bestOf(chosen) },
    best: await Promise.all(caps.map(async (macs) => ({ macs, descendant: await within(macs) }))),
    front: descendants
      .filter(({ pareto }) => pareto)
      .sort((a, b) => a.macs - b.macs)
      .map(bestOf),
    storedParameters: storage.pool.parameters,
    seconds: totalSeconds(report),
  }
}

const bestOf = ({ path, macs, parameters, validationAccuracy, testAccuracy }: DescendantRow): Best => ({
  path,
  macs,
  parameters,
  validationAccuracy,
  testAccuracy,
})

/** A setting in which runs differ, with the value that each has; undefined where it has none. */
export interface Difference {
  readonly setting: string
  readonly values: readonly (string | undefined)[]
}

/** What the runs' seeds, backends and configurations have that is not the same in all. */
export function differences(runs: readonly Run[]): Difference[] {
  const settings = runs.map(({ report: { backend, command, config, seed, version, workers } }) => {
    return new Map([
      ['command', command],
      ['learngene', version],
      ['seed', text(seed)],
      ['backend', backend.name],
      ['workers', text(workers)],
      ...flat(config),
    ])
  })
  const names = [...new Set(settings.flatMap((each) => [...each.keys()]))]
  return names
    .map((setting) => ({ setting, values: settings.map((each) => each.get(setting)) }))
    .filter(({ values }) => new Set(values).size > 1)
}

/** Settings by their paths; lists are settings as a whole. */
function flat(config: object, path = ''): [string, string][] {
  return Object.entries(config).flatMap(([key, value]): [string, string][] => {
    const isNested = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isNested ? flat(value, `${path}${key}.`) : [[path + key, text(value)]]
  })
}

/** A value in the fewest characters that tell it. */
function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join(', ')
  if (typeof value === 'number' && value >= 1e5) return value.toExponential().replace('e+', 'e')
  if (typeof value !== 'object' || value === null) return String(value)
  return `(${Object.entries(value)
    .map(([key, each]) => `${key} ${text(each)}`)
    .join(', ')})`
}
