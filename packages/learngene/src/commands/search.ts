import type { Budget } from '@learngene/interfaces'
import type { ConfidenceName } from '@learngene/stitch'
import { type Command, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import type { MeasuredBudget, parseObjective } from '../latency/budget.js'
import {
  addRunArgument,
  confidenceOption,
  example,
  jsonOption,
  measuredBudget,
  objective,
  profileOptions,
  quietOption,
  requireMeasured,
  runOf,
  seedOption,
  share,
} from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { readRun } from '../read-run.js'
import { commandText, nextText } from '../report/next.js'
import { descendantsTable } from '../report/terminal.js'
import { chooseFromRun, latencyText, splitsText, withoutThresholds } from './choose-from-run.js'

interface SearchCommandOptions {
  readonly budget?: MeasuredBudget
  readonly objective?: ReturnType<typeof parseObjective>
  readonly minAccuracy?: number
  readonly cascades?: boolean
  readonly confidence?: ConfidenceName
  readonly profile?: string
  readonly anew?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

const NO_CAPS: Budget = {}

export function addSearch(program: Command, io: Io): void {
  const command = addRunArgument(program.command('search'))
    .description(
      "Find a run's best descendant within a budget, by validation accuracy unless told otherwise. A cap on latency is measured on this machine: the parts of the family once, " +
        'kept for later searches, and the best candidates whole; the choice keeps the cap when it is measured.',
    )
    .addOption(
      new Option(
        '--budget <caps>',
        'hard caps on macs, params (or parameters), memory, bytes and latency, such as macs=5M,params=300k or latency=20ms@webgpu,batch=1',
      ).argParser(measuredBudget),
    )
    .addOption(
      new Option(
        '--objective <measure>',
        'what the best has: accuracy, or the least macs, params, memory, bytes or latency@BACKEND,batch=N with --min-accuracy (default: accuracy)',
      ).argParser(objective),
    )
    .addOption(new Option('--min-accuracy <share>', 'the least validation accuracy, such as 0.85 or 85%').argParser(share))
    .option(
      '--cascades',
      'let cascades of two descendants compete, by their expected MACs: the large one answers where the small one is not sure',
    )
    .addOption(confidenceOption())

  for (const option of profileOptions()) command.addOption(option)
  command
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .usage('<run> --budget <caps> [options]')
    .addHelpText('after', example('learngene search runs/quickstart --budget macs=5M,params=300k'))
    .addHelpText('after', '  $ learngene search runs/quickstart --budget latency=2ms@wasm,batch=1')
    .addHelpText('after', '  $ learngene search runs/quickstart --cascades --budget macs=5M')
    .addHelpText('after', '  $ learngene search runs/quickstart --objective macs --min-accuracy 85%')
    .action(async (argument: string | undefined, given: SearchCommandOptions) => {
      const { json, quiet, minAccuracy, cascades, confidence, profile, anew } = given
      const run = runOf(command, argument)
      const wanted = given.objective?.objective ?? 'accuracy'
      if (given.budget === undefined && wanted === 'accuracy')
        throw new UsageError('search needs --budget <caps>, or an --objective other than accuracy; learngene search --help tells more')
      if (wanted !== 'accuracy' && minAccuracy === undefined)
        throw new UsageError(
          `the least ${wanted} is that of the worst model: search needs --min-accuracy <share> with --objective ${wanted}`,
        )
      if (confidence && !cascades) throw new UsageError('--confidence belongs to --cascades; learngene search --help tells more')
      const budget = settingOf(given)
      requireMeasured('search', { profile, anew }, budget, wanted)
      const report = await readRun(run)
      const rows = cascades ? await (await import('./cascades-of-run.js')).cascadesOfRun(run, report, budget.caps, confidence) : []
      const options = { budget, objective: wanted, minAccuracy, profile, anew, cascades: rows }
      const choose = (report_: Parameters<Parameters<typeof withProgress>[1]>[0]) =>
        chooseFromRun(report, options, { run, report: report_, env: io.env, signal: io.signal })
      // A search in what is known takes no time.
      const isQuick = budget.caps.latency === undefined && wanted !== 'latency'
      const { chosen, runnerUp, why, pareto, latency } = await withProgress(io, choose, quiet || isQuick)
      const front = withoutThresholds(pareto)
      const { validation, test } = report.images
      const next = commandText('extract', run, '--path', chosen.path)
      if (json) return printJson(io, { chosen, runnerUp, why, pareto, latency, images: { validation, test }, next })
      const lines = [
        descendantsTable(front.some(({ path }) => path === chosen.path) ? front : [...front, chosen], chosen.path),
        '',
        `chosen: ${chosen.path}`,
        splitsText(chosen, report.images),
        ...(latency ? latencyText(latency) : []),
        why,
      ]
      io.stdout.write(`${lines.join('\n')}\n${nextText([next], quiet)}`)
    })
}

/** Where latency is both capped and the objective, one of the two may say where it is measured. @throws UsageError where both do and differ */
function settingOf({ budget, objective }: SearchCommandOptions): MeasuredBudget {
  if (objective?.objective !== 'latency') return budget ?? { caps: NO_CAPS, backend: 'auto', batch: 1 }
  const { backend, batch } = objective
  if (budget?.caps.latency === undefined) return { caps: budget?.caps ?? NO_CAPS, backend, batch }
  if (backend !== 'auto' || batch !== 1) {
    if (budget.backend !== backend || budget.batch !== batch)
      throw new UsageError(
        `latency is measured in one way: --budget says ${budget.backend}, batch ${budget.batch} and --objective ${backend}, batch ${batch}`,
      )
  }
  return budget
}
