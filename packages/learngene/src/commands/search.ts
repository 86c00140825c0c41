import type { Budget } from '@learngene/interfaces'
import { type Command, Option } from 'commander'
import { type Io, printJson } from '../io.js'
import { addRunArgument, budget, example, jsonOption, quietOption, requireOptions, runOf, seedOption } from '../options.js'
import { readRun } from '../read-run.js'
import { commandText, nextText } from '../report/next.js'
import { descendantsTable } from '../report/terminal.js'
import { chooseFromRun, splitsText } from './choose-from-run.js'

interface SearchCommandOptions {
  readonly budget: Budget
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addSearch(program: Command, io: Io): void {
  const command = addRunArgument(program.command('search'))
    .description("Find a run's best descendant within a budget. It is chosen by validation accuracy.")
    .addOption(
      new Option('--budget <caps>', 'hard caps on macs, params (or parameters) and memory, such as macs=5M,params=300k').argParser(budget),
    )
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene search runs/quickstart --budget macs=5M,params=300k'))
    .action(async (argument: string | undefined, { budget, json, quiet }: SearchCommandOptions) => {
      const run = runOf(command, argument)
      const report = await readRun(run)
      const { chosen, runnerUp, why, pareto } = await chooseFromRun(report, budget)
      const { validation, test } = report.images
      const next = commandText('extract', run, '--path', chosen.path)
      if (json) return printJson(io, { chosen, runnerUp, why, pareto, images: { validation, test }, next })
      const lines = [descendantsTable(pareto, chosen.path), '', `chosen: ${chosen.path}`, splitsText(chosen, report.images), why]
      io.stdout.write(`${lines.join('\n')}\n${nextText([next], quiet)}`)
    })
  requireOptions(command, '--budget <caps>').usage('<run> --budget <caps> [options]')
}
