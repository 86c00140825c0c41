import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import {
  backendOption,
  budget,
  example,
  integer,
  integers,
  jsonOption,
  MODEL_HELP,
  ownPartsOption,
  quietOption,
  seedOption,
} from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { nextText } from '../report/next.js'
import type { CutOptions } from './cut/ancestor.js'
import type { Shown } from './cut/report.js'

export function addCut(program: Command, io: Io): void {
  program
    .command('cut')
    .description('Make any ViT smaller, without training and without labels, in seconds to minutes; or list what sizes it could have.')
    .argument('<model>', MODEL_HELP)
    .option('--images <dir>', "folder of images to calibrate by (default: those of Fashion-MNIST, where that is the model's)")
    .option('--test <dir>', 'folder of images that judge the result, in subfolders by class')
    .addOption(
      new Option('--width <number>', "width of the smaller model, which the heads divide (default: the model's)").argParser(integer(2)),
    )
    .addOption(new Option('--blocks <number>', "blocks of the smaller model (default: all of the model's)").argParser(integer(1)))
    .option('--heads <number>', "attention heads of the smaller model (default: the model's)", integer(1))
    .addOption(
      new Option(
        '--budget <caps>',
        'in place of width and blocks hard caps on macs, params (or parameters) and memory: the best size is chosen',
      )
        .argParser(budget)
        .conflicts(['width', 'blocks']),
    )
    .option('--out <file>', 'where to write the smaller model; one that this command wrote is replaced')
    .option('--rotated <file>', 'write the model in principal order too: every size can be cut from it later, at once')
    .option('--fit', 'with --list: measure sizes after the fit, which takes longer')
    .option('--no-fit', 'only slice, do not fit to the model')
    .option('--epochs <number>', 'train the smaller model on all images afterwards, taught by the model', integer(1))
    .option('--label-weight <share>', "share of the labels in that training's loss (default: 0.1, and 0 where there are none)", share)
    .option('--list', 'print a table of sizes and what they keep, and write no smaller model')
    .option('--widths <list>', 'widths of the table (default: eighths of the width that the heads divide)', integers)
    .option('--depths <list>', 'depths of the table (default: all, three quarters and half of the blocks)', integers)
    .option('--calibration <number>', 'images to calibrate by, at most', integer(1), 128)
    .option('--limit <number>', 'images to judge by, at most', integer(1), 500)
    .addOption(new Option('--dtype <type>', 'type of the stored weights').choices(['f32', 'f16']).default('f32'))
    .option('--force', 'replace a file that this command did not write')
    .addOption(ownPartsOption())
    .addOption(backendOption())
    .addOption(quietOption())
    .addOption(seedOption('that draws the images of the calibration and the order of those of --epochs'))
    .addOption(jsonOption())
    .usage('<model> (--width <number> | --blocks <number> | --budget <caps>) --out <file> [options]')
    .addHelpText('after', example('learngene cut hf:facebook/deit-tiny-patch16-224 --images photos --width 96 --out small.safetensors'))
    .addHelpText('after', '  $ learngene cut embedded --list')
    .action(async (model: string, given: Omit<CutOptions, 'model'>) => {
      const options = { ...given, model }
      checkOptions(options)
      const { cutModel, listSizes, rotateModel } = await import('./cut/cut-model.js')
      const { cutText, rotatedText, sizesText } = await import('./cut/report.js')
      const run = async <T extends object>(
        action: (report: Parameters<typeof cutModel>[1]) => Promise<T>,
        text: (result: T, options: CutOptions) => Shown,
      ) => {
        const result = await withProgress(io, action, options.quiet)
        const { text: shown, next } = text(result, options)
        if (options.json) return printJson(io, { ...result, next: next[0] })
        io.stdout.write(`${shown}\n${nextText(next, options.quiet)}`)
      }
      const { out } = options
      if (options.list) return run((report) => listSizes(options, report, io.signal), sizesText)
      if (out === undefined) return run((report) => rotateModel(options, report, io.signal), rotatedText)
      return run((report) => cutModel({ ...options, out }, report, io.signal), cutText)
    })
}

/** @throws UsageError where options do not fit together */
function checkOptions({
  model,
  list,
  out,
  rotated,
  width,
  blocks,
  heads,
  budget,
  widths,
  depths,
  epochs,
  labelWeight,
  fit,
}: CutOptions): void {
  const sized = width !== undefined || blocks !== undefined || heads !== undefined || budget !== undefined
  const more = 'learngene cut --help tells more'
  if (list) {
    if (out !== undefined || epochs !== undefined || width !== undefined || blocks !== undefined || budget !== undefined) {
      throw new UsageError(
        `--list writes no smaller model; leave out --out, --epochs and the size (--widths and --depths choose the rows); ${more}`,
      )
    }
  } else {
    if (widths !== undefined || depths !== undefined)
      throw new UsageError(`--widths and --depths are rows of --list; name one size with --width and --blocks; ${more}`)
    if (out === undefined && (sized || epochs !== undefined)) throw new UsageError(`cut needs --out <file> for the smaller model; ${more}`)
    if (out !== undefined && !sized)
      throw new UsageError(`cut needs a size: --width, --blocks, --heads or --budget; --list shows them; ${more}`)
    if (out === undefined && rotated === undefined)
      throw new UsageError(`cut needs a size and --out <file>, or --list, or --rotated <file>; ${more}`)
    if (fit === true) throw new UsageError(`--fit belongs to --list; a smaller model is fitted unless --no-fit; ${more}`)
  }
  if (labelWeight !== undefined && epochs === undefined) throw new UsageError(`--label-weight belongs to --epochs; ${more}`)
  const paths = [model, out, rotated].flatMap((path) => (path === undefined ? [] : [resolve(path)]))
  if (new Set(paths).size < paths.length)
    throw new UsageError(`the model, --out and --rotated must be different files; got ${[model, out, rotated].filter(Boolean).join(', ')}`)
}

function share(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('It must be a number from 0 to 1.')
  return value
}
