import { type Command, Option } from 'commander'
import { type Io, printJson } from '../io.js'
import { example, jsonOption, requireOptions, seedOption } from '../options.js'
import { formatCount } from '../report/text.js'
import type { ExtractOptions } from './extract-from-run.js'

export function addExtract(program: Command, io: Io): void {
  const command = program
    .command('extract')
    .description('Write one descendant of a run as a standalone model, a safetensors file.')
    .option('--run <dir>', "a directory that 'learngene quickstart' made")
    .option('--path <path>', "the descendant, such as 'w48d6[0-2]>w96d6[3-5]' (quote it: > means something to shells)")
    .option('--out <file>', 'where to write; a model that this command wrote is replaced')
    .addOption(new Option('--dtype <type>', 'type of the stored weights').choices(['f32', 'f16']).default('f32'))
    .option('--force', 'replace a file that this command did not write')
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example("learngene extract --run runs/quickstart --path 'w48d6[0-2]>w96d6[3-5]' --out small.safetensors"))
    .action(async (options: ExtractOptions) => {
      const { extractFromRun } = await import('./extract-from-run.js')
      const written = await extractFromRun(options)
      if (options.json) return printJson(io, written)
      const { path, parameters, macs, file, bytes } = written
      io.stdout.write(`${path}: ${formatCount(parameters)} parameters, ${formatCount(macs)} MACs; wrote ${file} (${formatCount(bytes)}B)\n`)
    })
  requireOptions(command, '--run <dir>', '--path <path>', '--out <file>')
}
