import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { example, integer, jsonOption, MODEL_HELP, ownPartsOption, quietOption, seconds, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { commandText, nextText } from '../report/next.js'
import { textTable } from '../report/text.js'
import { MODELS } from './bench/options.js'

interface TuneCommandOptions {
  readonly model?: string
  readonly config?: string
  readonly batch: number
  readonly seconds: number
  readonly what: 'train' | 'forward'
  readonly precision: 'float32' | 'mixed'
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addTune(program: Command, io: Io): void {
  program
    .command('tune')
    .description(
      "Time the ways in which webgpu can compute a model's matrix products on this GPU, and keep the fastest: they are used from then on, whatever runs on webgpu here. " +
        'Other plans add in another order, so results differ by rounding; a run that is to be repeated bit by bit is not tuned in between.',
    )
    .argument('[model]', `${MODELS.join(', ')}, a configuration as JSON, or ${MODEL_HELP} (default: deit-tiny)`)
    .option('--model <model>', 'the model, in place of the argument')
    .addOption(ownPartsOption())
    .option('--batch <number>', 'images per step, as the training or whoever classifies has them', integer(1, 65536), 64)
    .option(
      '--seconds <number>',
      'the time that it may take: finding the products, in one step however long, and measuring them',
      seconds,
      20,
    )
    .option('--what <work>', 'train: forward and backward products; forward: those of inference alone', work, 'train')
    .addOption(
      new Option('--precision <precision>', 'of the products: mixed needs a GPU with units for float16')
        .choices(['float32', 'mixed'])
        .default('float32'),
    )
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene tune deit-small --batch 64 --seconds 30'))
    .action(async (argument: string | undefined, { model, json, quiet, ...options }: TuneCommandOptions) => {
      if (argument !== undefined && model !== undefined)
        throw new UsageError(`tune takes one model; got ${argument} and --model ${model}; learngene tune --help tells more`)
      const { tuneModel } = await import('../tuning/tune-model.js')
      const name = argument ?? model ?? 'deit-tiny'
      const tuned = await withProgress(io, (report) => tuneModel({ ...options, model: name }, { report, signal: io.signal }), quiet)
      if (json) return printJson(io, tuned)
      const rows = Object.entries(tuned.plans).map(([shape, { rows, columns, parts, ms, untunedMs }]) => {
        return [shape, `${rows} x ${columns}`, String(parts), ms.toFixed(3), untunedMs.toFixed(3), `${(untunedMs / ms).toFixed(2)} x`]
      })
      const headings = ['product', 'tile', 'parts', 'ms', 'untuned ms', 'gain']
      const table = textTable(headings, rows, ['left', 'right', 'right', 'right', 'right', 'right'])
      const found = `${tuned.shapes} products found in ${tuned.findingSeconds.toFixed(1)} of ${options.seconds} s`
      const kept = `${found}, ${Object.keys(tuned.plans).length} measured on ${tuned.device}; ${tuned.file ?? 'not kept'}`
      io.stdout.write(`${table}\n${kept}\n${nextText([commandText('bench', '--backends', 'webgpu', '--batch', options.batch)], quiet)}`)
    })
}

function work(text: string): 'train' | 'forward' {
  if (text !== 'train' && text !== 'forward') throw new InvalidArgumentError(`It must be train or forward; got '${text}'.`)
  return text
}
