import { search } from '@learngene/budget-search'
import type { Budget, SearchSpace } from '@learngene/interfaces'
import { type Command, Option } from 'commander'
import { type Io, printJson } from '../io.js'
import { budget, example, jsonOption, seedOption } from '../options.js'
import type { DescendantRow } from '../quickstart/report.js'
import { readRun } from '../read-run.js'
import { descendantsTable } from '../report/terminal.js'

interface SearchCommandOptions {
  readonly run: string
  readonly budget: Budget
  readonly json?: boolean
}

export function addSearch(program: Command, io: Io): void {
  program
    .command('search')
    .description("Find a run's best descendant within a budget. It is chosen by validation accuracy.")
    .requiredOption('--run <dir>', "a directory that 'learngene quickstart' made")
    .addOption(
      new Option('--budget <caps>', 'hard caps on macs, params (or parameters) and memory, such as macs=5M,params=300k')
        .argParser(budget)
        .makeOptionMandatory(),
    )
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene search --run runs/quickstart --budget macs=5M,params=300k'))
    .action(async ({ run, budget, json }: SearchCommandOptions) => {
      const { descendants } = await readRun(run)
      const { chosen, pareto, whyRunnerUpLost } = await searchDescendants(descendants, budget)
      if (json) return printJson(io, { chosen, pareto })
      io.stdout.write(`${descendantsTable(pareto, chosen.path)}\n\nchosen: ${chosen.path}\n${whyRunnerUpLost}\n`)
    })
}

/** The best of the rows under a budget and the Pareto front of those that keep it, by MACs and validation accuracy. */
export async function searchDescendants(rows: readonly DescendantRow[], budget: Budget) {
  const result = await search(spaceOf(rows), (values) => values.map((row) => row.validationAccuracy), budget, { exhaustiveLimit: Infinity })
  return {
    chosen: result.chosen.value,
    pareto: result.pareto.map(({ value }) => value),
    whyRunnerUpLost: result.whyRunnerUpLost,
  }
}

function spaceOf(rows: readonly DescendantRow[]): SearchSpace<DescendantRow> {
  const any = (rng: { integer(bound: number): number }) => rows[rng.integer(rows.length)]!
  return {
    count: () => rows.length,
    enumerate: () => rows,
    sample: any,
    mutate: (_, rng) => any(rng),
    cost: ({ macs, parameters, memory }) => ({ macs, parameters, memory }),
    key: ({ path }) => path,
  }
}
