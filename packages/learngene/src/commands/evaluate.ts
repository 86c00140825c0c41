import { type Command, Option } from 'commander'
import { UsageError } from '../errors.js'
import { type Io, printJson } from '../io.js'
import { backendOption, example, integer, jsonOption, MODEL_HELP, ownPartsOption, quietOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { nextText } from '../report/next.js'
import type { EvaluateOptions } from './evaluate-model.js'

export function addEvaluate(program: Command, io: Io): void {
  program
    .command('evaluate')
    .description(
      'Measure a model on labelled pictures: top-1, top-5, each class, what it confuses, and how far its probabilities can be trusted. ' +
        'Without --images: on the test images of Fashion-MNIST, the 2,000 that are embedded.',
    )
    .argument('<model>', MODEL_HELP)
    .option('--images <dir>', "folder of pictures of any size, in subfolders named as the model's classes, in any order")
    .addOption(
      new Option('--data-dir <dir>', 'folder with the four files of Fashion-MNIST, to use all its 10,000 test images').conflicts('images'),
    )
    .option('--limit <number>', 'take only so many images, drawn by the seed', integer(1))
    .option('--batch-size <number>', 'images that run at once', integer(1), 32)
    .option('--skip-unreadable', 'leave out pictures that cannot be read, instead of failing')
    .addOption(ownPartsOption())
    .addOption(backendOption())
    .addOption(quietOption())
    .addOption(seedOption('that draws the images of --limit'))
    .addOption(jsonOption())
    .addHelpText('after', example('learngene evaluate small.safetensors --images photos/test'))
    .addHelpText('after', '  $ learngene evaluate runs/quickstart --limit 500')
    .action(async (model: string, given: Omit<EvaluateOptions, 'model'>) => {
      const options = { ...given, model }
      if (options.skipUnreadable && options.images === undefined)
        throw new UsageError('--skip-unreadable belongs to --images; learngene evaluate --help tells more')
      const { evaluateModel, evaluationText } = await import('./evaluate-model.js')
      const result = await withProgress(io, (report) => evaluateModel(options, report, io.signal), options.quiet)
      if (options.json) return printJson(io, result)
      io.stdout.write(`${evaluationText(result)}\n${nextText([result.next], options.quiet)}`)
    })
}
