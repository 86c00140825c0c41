import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { backendOption, example, integer, jsonOption, MODEL_HELP, ownPartsOption, quietOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { nextText } from '../report/next.js'
import type { ClassifyOptions } from './classify-files.js'

export function addClassify(program: Command, io: Io): void {
  program
    .command('classify')
    .description('Name what pictures show, with probabilities: JPEG, PNG, WebP, GIF, AVIF or TIFF of any size, grey or in colour.')
    .argument('<model>', MODEL_HELP)
    .argument('<file...>', 'image files, and folders of image files at any depth')
    .option('--top <number>', 'how many classes to name for each picture, the likeliest first', integer(1), 5)
    .addOption(quietOption())
    .addOption(ownPartsOption())
    .addOption(backendOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene classify hf:facebook/deit-tiny-patch16-224 photos cat.jpg --top 3'))
    .addHelpText(
      'after',
      '\nPictures that cannot be read are named at the end; the others are classified all the same, and the exit code is 1.',
    )
    .action(async (model: string, files: readonly string[], given: Omit<ClassifyOptions, 'model' | 'files'>) => {
      const options = { ...given, model, files }
      const { classifyFiles, predictionsTable, requireAllReadable } = await import('./classify-files.js')
      const classified = await withProgress(io, (report) => classifyFiles(options, report, io.signal), options.quiet)
      const { predictions, unreadable, next } = classified
      if (options.json) printJson(io, { predictions, unreadable })
      else if (predictions.length > 0) {
        io.stdout.write(`${predictionsTable(predictions)}\n${nextText([next], options.quiet)}`)
      }
      requireAllReadable(classified)
    })
}
