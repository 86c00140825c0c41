import { type Command, Option } from 'commander'
import { type Io, printJson } from '../io.js'
import { example, jsonOption, quietOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { commandText, nextText } from '../report/next.js'

export interface InstallTensorFlowOptions {
  readonly gpu?: boolean
  readonly wheel?: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addInstallTensorFlow(program: Command, io: Io): void {
  program
    .command('install-tensorflow')
    .description(
      'Make the backend tensorflow usable: build its addon against a TensorFlow wheel (Linux, 0.9 GB on disk), and check it. Does nothing where it works.',
    )
    .option('--gpu', 'make tensorflow-gpu usable: the wheel and the CUDA libraries for NVIDIA cards; has not been run on one')
    .addOption(new Option('--wheel <file>', 'a wheel of tensorflow or tensorflow_cpu (default: pip downloads one)'))
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene install-tensorflow --wheel tensorflow_cpu-2.21.0.whl', 'without --wheel, pip downloads one'))
    .action(async ({ gpu, wheel, json, quiet }: InstallTensorFlowOptions) => {
      const { installTensorFlow } = await import('../install-tensorflow/index.js')
      const installed = await withProgress(io, (report) => installTensorFlow({ gpu, wheel, signal: io.signal, report }), quiet)
      if (json) return printJson(io, installed)
      const { backend, built } = installed
      io.stdout.write(
        `${backend} (${installed.wheel}) ${built ? 'is installed' : 'was installed already'} and passes the reference check: ${installed.directory}\n${nextText([commandText('bench', '--backends', backend)], quiet)}`,
      )
    })
}
