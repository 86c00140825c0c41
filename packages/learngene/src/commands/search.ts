import type { BackendName } from '@learngene/backends'
import type { LatencyProfile } from '@learngene/bench/latency'
import type { Budget, Reporter } from '@learngene/interfaces'
import type { ConfidenceName } from '@learngene/stitch'
import { type Command, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import type { MeasuredBudget, parseObjective } from '../latency/budget.js'
import {
  addRunArgument,
  BACKENDS,
  confidenceOption,
  example,
  integer,
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
import { largerText, latencyText, splitsText } from './choice-text.js'
import type { RunChoice } from './choose-from-run.js'
import { withoutThresholds } from './run-rows.js'
import type { LargerSearch } from './search-larger.js'

interface SearchCommandOptions {
  readonly budget?: MeasuredBudget
  readonly objective?: ReturnType<typeof parseObjective>
  readonly minAccuracy?: number
  readonly cascades?: boolean
  readonly confidence?: ConfidenceName
  readonly stitches?: number
  readonly evaluations?: number
  readonly backend?: BackendName | 'auto'
  readonly seed: number
  readonly profile?: string
  readonly anew?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

const NO_CAPS: Budget = {}

/** Of a search with --stitches, unless told otherwise. */
const EVALUATIONS = 200

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
      'let cascades of two descendants compete, by their expected MACs or latency: the large one answers where the small one is not sure',
    )
    .addOption(confidenceOption())
    .option(
      '--stitches <number>',
      "let all paths compete that the pool's stitches make, at most so many on one path; they are evaluated on the run's validation images",
      integer(1),
    )
    .option('--evaluations <number>', `with --stitches: paths that are evaluated, at most (default: ${EVALUATIONS})`, integer(10))
    .addOption(new Option('--backend <name>', 'with --stitches: what evaluates them (default: auto)').choices(BACKENDS))

  for (const option of profileOptions()) command.addOption(option)
  command
    .addOption(quietOption())
    .addOption(seedOption('of the search with --stitches'))
    .addOption(jsonOption())
    .usage('<run> --budget <caps> [options]')
    .addHelpText('after', example('learngene search runs/quickstart --budget macs=5M,params=300k'))
    .addHelpText('after', '  $ learngene search runs/quickstart --budget latency=2ms@wasm,batch=1')
    .addHelpText('after', '  $ learngene search runs/quickstart --cascades --budget macs=5M')
    .addHelpText('after', '  $ learngene search runs/quickstart --stitches 4 --evaluations 60 --budget macs=5M')
    .addHelpText('after', '  $ learngene search runs/quickstart --objective macs --min-accuracy 85%')
    .action(async (argument: string | undefined, given: SearchCommandOptions) => {
      const { json, quiet, minAccuracy, cascades, confidence, stitches, profile, anew } = given
      const run = runOf(command, argument)
      const wanted = given.objective?.objective ?? 'accuracy'
      if (given.budget === undefined && wanted === 'accuracy')
        throw new UsageError('search needs --budget <caps>, or an --objective other than accuracy; learngene search --help tells more')
      if (wanted !== 'accuracy' && minAccuracy === undefined)
        throw new UsageError(
          `the least ${wanted} is that of the worst model: search needs --min-accuracy <share> with --objective ${wanted}`,
        )
      if (confidence && !cascades) throw new UsageError('--confidence belongs to --cascades; learngene search --help tells more')
      requireStitches(given)
      const budget = settingOf(given)
      requireMeasured('search', { profile, anew }, budget, wanted)
      // It loads TensorFlow.js, which no other command is to wait for.
      const { chooseFromRun, requireCascadeMeasures } = await import('./choose-from-run.js')
      if (cascades) requireCascadeMeasures(budget, wanted)
      const report = await readRun(run)
      const larger = { evaluations: given.evaluations ?? EVALUATIONS, backend: given.backend ?? 'auto', seed: given.seed }
      const options = { budget, objective: wanted, minAccuracy, profile, anew }
      const context = (reporter: Reporter) => ({ run, report: reporter, env: io.env, signal: io.signal })
      const choose = async (reporter: Reporter): Promise<RunChoice & { readonly search?: LargerSearch }> => {
        const { chooseFromLarger } = await import('./choose-from-larger.js')
        if (stitches !== undefined) return chooseFromLarger(report, { ...options, ...larger, stitches }, context(reporter))
        const own = { caps: budget.caps, confidence }
        const { cascadesOfRun } = await import('./cascades-of-run.js')
        const others = cascades ? (found?: LatencyProfile) => cascadesOfRun(run, report, { ...own, profile: found }) : undefined
        return chooseFromRun(report, { ...options, others }, context(reporter))
      }
      // A search in what is known takes no time.
      const isQuick = budget.caps.latency === undefined && wanted !== 'latency' && stitches === undefined
      const { chosen, runnerUp, why, pareto, latency, search } = await withProgress(io, choose, quiet || isQuick)
      const front = withoutThresholds(pareto)
      const { validation, test } = report.images
      const next = commandText('extract', run, '--path', chosen.path)
      if (json) return printJson(io, { chosen, runnerUp, why, pareto, latency, search, images: { validation, test }, next })
      const lines = [
        descendantsTable(front.some(({ path }) => path === chosen.path) ? front : [...front, chosen], chosen.path),
        '',
        ...(search ? largerText(search, validation) : []),
        `chosen: ${chosen.path}`,
        splitsText(chosen, report.images),
        ...(latency ? await latencyText(latency) : []),
        why,
      ]
      io.stdout.write(`${lines.join('\n')}\n${nextText([next], quiet)}`)
    })
}

/** @throws UsageError where options of a search of the larger space are given without it, or do not go with it */
function requireStitches({ stitches, evaluations, backend, cascades }: SearchCommandOptions): void {
  const more = 'learngene search --help tells more'
  const alone = evaluations !== undefined ? '--evaluations' : backend !== undefined ? '--backend' : undefined
  if (stitches === undefined && alone !== undefined) throw new UsageError(`${alone} belongs to --stitches; ${more}`)
  if (stitches !== undefined && cascades)
    throw new UsageError(`cascades are of descendants that the run has evaluated: leave out --cascades or --stitches; ${more}`)
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
