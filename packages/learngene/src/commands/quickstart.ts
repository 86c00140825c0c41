import type { BackendName } from '@learngene/backends'
import type { Budget } from '@learngene/interfaces'
import type { Command } from 'commander'
import { configOption, printConfig, printConfigOption } from '../config/options.js'
import { type Io, printJson } from '../io.js'
import { backendOption, budget, example, integer, jsonOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { renderTable } from '../report/terminal.js'

interface QuickstartCommandOptions {
  readonly out: string
  readonly budget?: Budget
  readonly seed: number
  readonly config?: string
  readonly printConfig?: boolean
  readonly workers?: number
  readonly dataDir?: string
  readonly backend: BackendName | 'auto'
  readonly force?: boolean
  readonly json?: boolean
}

export function addQuickstart(program: Command, io: Io): void {
  program
    .command('quickstart')
    .description(
      'The whole method on Fashion-MNIST, in minutes: from one trained ancestor to a pool of descendants, and the best one under a budget.',
    )
    .option('--out <dir>', 'where to write report.html, report.json, the pool and the chosen model', 'runs/quickstart')
    .option('--budget <caps>', 'hard caps on macs, params (or parameters) and memory that the chosen model keeps', budget)
    .addOption(configOption())
    .addOption(printConfigOption())
    .option(
      '--workers <number>',
      'worker threads (default: 2 on wasm and cpu, 1 on backends that use the machine by themselves)',
      integer(1, 64),
    )
    .option('--data-dir <dir>', 'folder with the four files of Fashion-MNIST, to use all 70,000 images instead of the embedded 12,000')
    // Its models are small: measured, wasm in two workers does them faster than TensorFlow on two cores.
    .addOption(backendOption('wasm'))
    .option('--force', 'start anew, and remove whatever is in the output directory')
    .addOption(seedOption('of every random choice'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('learngene quickstart --budget macs=5M,params=300k', 'writes runs/quickstart/report.html, to be opened in a browser'),
    )
    .action(async ({ out, config, printConfig: printOnly, json, force = false, ...options }: QuickstartCommandOptions) => {
      const { readConfig } = await import('../quickstart/config.js')
      const { dataDir, budget, ...program } = options
      const values = await readConfig(config, { budget })
      if (printOnly) return printConfig(io, values)
      const { quickstartRun } = await import('../quickstart/run.js')
      const { runProgram } = await import('../run/program.js')
      const run = quickstartRun(values, dataDir)
      const report = await withProgress(io, (report) =>
        runProgram({ ...program, command: 'quickstart', outDir: out, config: run, force, report, signal: io.signal }),
      )
      if (json) return printJson(io, report)
      io.stdout.write(`${renderTable(report, out)}\n\nreport: ${out}/report.html\n`)
    })
}
