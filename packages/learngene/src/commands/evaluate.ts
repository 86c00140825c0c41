import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { backendOption, example, integer, jsonOption, requireOptions, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { formatShare } from '../report/text.js'
import type { EvaluateOptions } from './evaluate-model.js'

export function addEvaluate(program: Command, io: Io): void {
  const command = program
    .command('evaluate')
    .description("Measure a model's accuracy on the test images of Fashion-MNIST: the 2,000 that are embedded, or all 10,000.")
    .option('--model <file>', 'a safetensors file that extract or quickstart wrote')
    .option('--data-dir <dir>', 'folder with the four files of Fashion-MNIST, to use its whole test part')
    .option('--limit <number>', 'take only so many images, drawn by the seed', integer(1))
    .addOption(backendOption())
    .addOption(seedOption('that draws the images of --limit'))
    .addOption(jsonOption())
    .addHelpText('after', example('learngene evaluate --model small.safetensors --limit 500'))
    .action(async (options: EvaluateOptions) => {
      const { evaluateModel } = await import('./evaluate-model.js')
      const { accuracy, images } = await withProgress(io, (report) => evaluateModel(options, report, io.signal))
      if (options.json) return printJson(io, { accuracy, images })
      io.stdout.write(`${formatShare(accuracy)} of ${images} images\n`)
    })
  requireOptions(command, '--model <file>')
}
