import type { BackendName } from '@learngene/backends'
import { Argument, type Command, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { backendOption, example, integer, jsonOption, quietOption, seedOption } from '../options.js'
import { durationText } from '../progress/clock-text.js'
import { withProgress } from '../progress/progress-reporter.js'

interface UnitCommandOptions {
  readonly index?: number
  readonly backend: BackendName | 'auto'
  readonly workers?: number
  readonly checkpointEvery?: number
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addUnit(program: Command, io: Io): void {
  program
    .command('unit')
    .description(
      'Run one unit of a run or of a study, on any machine that sees its folder: for Slurm, Ray, Kubernetes and the like. Exit code 0 says that its artifact stands.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(['run']))
    .argument('<units>', "a file that 'learngene run --units' or 'learngene study plan' wrote")
    .addOption(new Option('--index <number>', 'which line of it, from 0, such as $SLURM_ARRAY_TASK_ID').argParser(integer(0)))
    .addOption(backendOption())
    .option('--workers <number>', "worker threads (default: the file's, or as for run)", integer(1, 64))
    .option('--checkpoint-every <steps>', 'steps between two checkpoints (default: 100, and a minute at most)', integer(1))
    .addOption(quietOption())
    .addOption(seedOption('of random choices; a unit has that of its run'))
    .addOption(jsonOption())
    .addHelpText('after', example('learngene unit run runs/photos/units.jsonl --index 0'))
    .action(async (_action: string, file: string, given: UnitCommandOptions, command: Command) => {
      const { index, json, quiet, backend, ...others } = given
      if (index === undefined) throw new UsageError('unit run needs --index <number>; learngene unit --help tells more')
      const own = command.getOptionValueSource('backend') === 'default' ? {} : { backend }
      const { runUnit } = await import('../units/run-unit.js')
      const unit = await withProgress(io, (report) => runUnit(file, index, { ...others, ...own, report, signal: io.signal }), quiet)
      if (json) return printJson(io, unit)
      const what = unit.cell === undefined ? unit.stage : `${unit.stage} of ${unit.cell}`
      io.stdout.write(`${what}: ${unit.ran ? `done in ${durationText(unit.seconds)}` : 'was there'}\n`)
    })
}
