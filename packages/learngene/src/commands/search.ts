import type { Budget } from '@learngene/interfaces'
import type { ConfidenceName } from '@learngene/stitch'
import { type Command, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import {
  addRunArgument,
  budget,
  confidenceOption,
  example,
  jsonOption,
  quietOption,
  requireOptions,
  runOf,
  seedOption,
} from '../options.js'
import { readRun } from '../read-run.js'
import { commandText, nextText } from '../report/next.js'
import { descendantsTable } from '../report/terminal.js'
import { chooseFromRun, splitsText, withoutThresholds } from './choose-from-run.js'

interface SearchCommandOptions {
  readonly budget: Budget
  readonly cascades?: boolean
  readonly confidence?: ConfidenceName
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addSearch(program: Command, io: Io): void {
  const command = addRunArgument(program.command('search'))
    .description("Find a run's best descendant within a budget. It is chosen by validation accuracy.")
    .addOption(
      new Option('--budget <caps>', 'hard caps on macs, params (or parameters) and memory, such as macs=5M,params=300k').argParser(budget),
    )
    .option(
      '--cascades',
      'let cascades of two descendants compete, by their expected MACs: the large one answers where the small one is not sure',
    )
    .addOption(confidenceOption())
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene search runs/quickstart --budget macs=5M,params=300k'))
    .addHelpText('after', '  $ learngene search runs/quickstart --cascades --budget macs=5M')
    .action(async (argument: string | undefined, { budget, cascades, confidence, json, quiet }: SearchCommandOptions) => {
      const run = runOf(command, argument)
      if (confidence && !cascades) throw new UsageError('--confidence belongs to --cascades; learngene search --help tells more')
      const report = await readRun(run)
      const rows = cascades ? await (await import('./cascades-of-run.js')).cascadesOfRun(run, report, budget, confidence) : []
      const { chosen, runnerUp, why, pareto } = await chooseFromRun(report, budget, rows)
      const { validation, test } = report.images
      const next = commandText('extract', run, '--path', chosen.path)
      if (json) return printJson(io, { chosen, runnerUp, why, pareto, images: { validation, test }, next })
      const lines = [
        descendantsTable(withoutThresholds(pareto), chosen.path),
        '',
        `chosen: ${chosen.path}`,
        splitsText(chosen, report.images),
        why,
      ]
      io.stdout.write(`${lines.join('\n')}\n${nextText([next], quiet)}`)
    })
  requireOptions(command, '--budget <caps>').usage('<run> --budget <caps> [options]')
}
