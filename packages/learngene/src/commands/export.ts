import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { formatMeasuredBudget } from '../latency/budget.js'
import {
  example,
  integer,
  jsonOption,
  latencySetting,
  MODEL_HELP,
  measuredBudget,
  ownPartsOption,
  quietOption,
  seedOption,
} from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { nextText } from '../report/next.js'
import { formatCount, formatShare } from '../report/text.js'
import { ms } from './choice-text.js'
import { EXPORT_FORMATS, type ExportOptions, WEIGHT_TYPES } from './export/formats.js'

export function addExport(program: Command, io: Io): void {
  program
    .command('export')
    .description(
      'Write a model, or a descendant of a run, for other engines: ONNX, transformers.js, timm, Hugging Face; or as a smaller safetensors file. ' +
        'Of a cascade each part in a folder of its own, and cascade.json, which says when the large one is asked.',
    )
    .argument('<model>', MODEL_HELP)
    .addOption(new Option('--format <format>', 'what reads it').choices(EXPORT_FORMATS))
    .option(
      '--path <path>',
      "of a run the descendant, such as 'w48d6[0-2]>w96d6[3-5]', or 'cascade(w48d6[0-5], w96d6[0-5], 0.8)' (quote it: > means something to shells)",
    )
    .addOption(
      new Option(
        '--budget <caps>',
        'of a run in place of a path hard caps on macs, params (or parameters), memory, bytes and latency: the best by validation accuracy',
      )
        .argParser(measuredBudget)
        .conflicts('path'),
    )
    .addOption(new Option('--weights <type>', 'type of the stored weights; transformers.js gets float32 and int8').choices(WEIGHT_TYPES))
    .option('--opset <number>', 'version of the operators of ONNX, 17 to 20 (default: 20)', integer(17, 20))
    .addOption(
      new Option(
        '--latency <backend>',
        'measure it whole on this backend, such as wasm or webgpu,batch=8, and say so in the model card; times of a stored profile stand there too, where the model itself was timed',
      ).argParser(latencySetting),
    )
    .option(
      '--out <path>',
      'folder to write, with a model card; or a file, of --format onnx and safetensors (default: a folder named after the model)',
    )
    .option('--force', 'replace files that this command did not write')
    .addOption(ownPartsOption())
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .usage('<model> --format <format> [options]')
    .addHelpText('after', example('learngene export runs/quickstart --format transformers.js --budget macs=2M --out web'))
    .addHelpText('after', '  $ learngene export small.safetensors --format onnx --weights int8 --out small.onnx')
    .addHelpText('after', '  $ learngene export cascade.safetensors --format onnx --latency wasm --out cascade')
    .action(async (model: string, given: Omit<ExportOptions, 'model'> & { readonly json?: boolean; readonly quiet?: boolean }) => {
      const options = { ...given, model }
      if (given.format === undefined)
        throw new UsageError(`export needs --format, one of ${EXPORT_FORMATS.join(', ')}; learngene export --help tells more`)
      const { exportModel } = await import('./export/export-model.js')
      const written = await withProgress(io, (report) => exportModel(options, { report, env: io.env, signal: io.signal }), options.quiet)
      if (options.json) return printJson(io, written)
      const { format, chosen, measured, latency, cascade, out, files, parameters, macs, next } = written
      const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
      const lines = [
        ...(chosen
          ? [`chosen within ${formatMeasuredBudget(given.budget!)} on ${chosen.images} validation images: ${chosen.path}`, chosen.why]
          : []),
        ...(measured
          ? [`reported on ${measured.testImages} test images: ${formatShare(measured.testAccuracy)} right, with float32 weights`]
          : []),
        `${written.path ?? model}: ${formatCount(parameters)} parameters, ${formatCount(macs)} MACs${cascade ? (cascade.passedOn === null ? ' of an image that is passed on' : ` on average, as ${formatShare(cascade.passedOn)} go on to the large part`) : ''}`,
        ...latency.map(
          ({ backend, batch, milliseconds, interval: [low, high], device, note }) =>
            `latency on ${backend}, ${device}, batch ${batch}: median ${ms(milliseconds)} (${ms(low)} to ${ms(high)}), ${note}`,
        ),
        `wrote ${out} for ${format} (${formatCount(total)}B)${files.length > 1 ? `: ${files.map(({ name, bytes }) => `${name} ${formatCount(bytes)}B`).join(', ')}` : ''}`,
        ...(files.some(({ name }) => name === 'README.md') ? [`how to run it: ${join(out, 'README.md')}`] : []),
      ]
      io.stdout.write(`${lines.join('\n')}\n${nextText([next], options.quiet)}`)
    })
}
