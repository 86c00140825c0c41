import type { Budget } from '@learngene/interfaces'
import { chooseDescendant } from '@learngene/recipe/reports'
import { type Command, Option } from 'commander'
import { type Io, printJson } from '../io.js'
import { budget, example, jsonOption, requireOptions, seedOption } from '../options.js'
import { readRun } from '../read-run.js'
import { descendantsTable } from '../report/terminal.js'

interface SearchCommandOptions {
  readonly run: string
  readonly budget: Budget
  readonly json?: boolean
}

export function addSearch(program: Command, io: Io): void {
  const command = program
    .command('search')
    .description("Find a run's best descendant within a budget. It is chosen by validation accuracy.")
    .option('--run <dir>', "a directory that 'learngene quickstart' made")
    .addOption(
      new Option('--budget <caps>', 'hard caps on macs, params (or parameters) and memory, such as macs=5M,params=300k').argParser(budget),
    )
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene search --run runs/quickstart --budget macs=5M,params=300k'))
    .action(async ({ run, budget, json }: SearchCommandOptions) => {
      const { descendants } = await readRun(run)
      const result = await chooseDescendant(descendants, budget, ({ validationAccuracy }) => validationAccuracy)
      const chosen = result.chosen.value
      const pareto = result.pareto.map(({ value }) => value)
      if (json) return printJson(io, { chosen, pareto })
      io.stdout.write(`${descendantsTable(pareto, chosen.path)}\n\nchosen: ${chosen.path}\n${result.whyRunnerUpLost}\n`)
    })
  requireOptions(command, '--run <dir>', '--budget <caps>')
}
