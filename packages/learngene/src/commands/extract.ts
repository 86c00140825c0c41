import type { Reporter } from '@learngene/interfaces'
import { type Command, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { formatMeasuredBudget } from '../latency/budget.js'
import {
  addRunArgument,
  confidenceOption,
  example,
  jsonOption,
  measuredBudget,
  profileOptions,
  quietOption,
  requireMeasured,
  runOf,
  seedOption,
} from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { nextText } from '../report/next.js'
import { formatCount, formatShare } from '../report/text.js'
import { latencyText } from './choice-text.js'
import type { ExtractOptions } from './extract-from-run.js'

type Given = Omit<ExtractOptions, 'run'> & { readonly json?: boolean; readonly quiet?: boolean }

export function addExtract(program: Command, io: Io): void {
  const command = addRunArgument(program.command('extract'))
    .description('Write one descendant of a run as a standalone model, a safetensors file: the one of a path, or the best within a budget.')
    .option(
      '--path <path>',
      "the descendant, such as 'w48d6[0-2]>w96d6[3-5]', or 'cascade(w48d6[0-5], w96d6[0-5], 0.8)' (quote it: > means something to shells)",
    )
    .addOption(
      new Option(
        '--budget <caps>',
        'in place of a path hard caps on macs, params (or parameters), memory, bytes and latency, such as latency=20ms@webgpu,batch=1: the best by validation accuracy',
      )
        .argParser(measuredBudget)
        .conflicts('path'),
    )
    .option('--cascades', 'with --budget: let cascades of two descendants compete, by their expected MACs')
    .addOption(confidenceOption())
    .option('--out <file>', 'where to write (default: in the run, named after the path); a model that this command wrote is replaced')
    .addOption(new Option('--dtype <type>', 'type of the stored weights').choices(['f32', 'f16']).default('f32'))
    .option('--force', 'replace a file that this command did not write')
  for (const option of profileOptions()) command.addOption(option)
  command
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .usage('<run> (--path <path> | --budget <caps>) [options]')
    .addHelpText('after', example('learngene extract runs/quickstart --budget macs=5M --out small.safetensors'))
    .addHelpText('after', "  $ learngene extract runs/quickstart --path 'w24d12[0-7]>w48d12[8-11]'")
    .action(async (argument: string | undefined, given: Given) => {
      const run = runOf(command, argument)
      if (given.confidence && !given.cascades)
        throw new UsageError('--confidence belongs to --cascades; learngene extract --help tells more')
      if (given.cascades && given.budget === undefined)
        throw new UsageError('--cascades belongs to --budget; name a cascade itself with --path; learngene extract --help tells more')
      if (given.path === undefined && given.budget === undefined)
        throw new UsageError('extract needs --path <path> or --budget <caps>; learngene extract --help tells more')
      requireMeasured('extract', given, given.budget ?? { caps: {}, backend: 'auto', batch: 1 })
      const { extractFromRun } = await import('./extract-from-run.js')
      const extract = (report: Reporter) => extractFromRun({ ...given, run }, { report, env: io.env, signal: io.signal })
      const written = await withProgress(io, extract, given.quiet || given.budget?.caps.latency === undefined)
      if (given.json) return printJson(io, written)
      const { path, parameters, macs, file, bytes, chosen, measured, cascade } = written
      const of = (count: number, part: string) => `${count} ${part} images`
      const lines = [
        ...(chosen
          ? [
              `chosen within ${formatMeasuredBudget(given.budget!)} on ${of(chosen.images, 'validation')}: ${path}`,
              ...(chosen.latency ? await latencyText(chosen.latency) : []),
              chosen.why,
            ]
          : []),
        ...(measured
          ? [
              `reported on ${of(measured.testImages, 'test')}: ${formatShare(measured.testAccuracy)} right${given.dtype === 'f16' ? ', with f32 weights' : ''}`,
            ]
          : []),
        `${path}: ${formatCount(parameters)} parameters, ${formatCount(macs)} MACs${cascade ? ` on average, as ${formatShare(cascade.passedOn)} go on to the large descendant` : ''}; wrote ${file} (${formatCount(bytes)}B)`,
      ]
      io.stdout.write(`${lines.join('\n')}\n${nextText([written.next], given.quiet)}`)
    })
}
