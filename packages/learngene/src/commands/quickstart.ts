import type { BackendName } from '@learngene/backends'
import type { Budget } from '@learngene/interfaces'
import type { Command } from 'commander'
import { configOption, printConfig, printConfigOption } from '../config/options.js'
import { type Io, printJson } from '../io.js'
import { backendOption, example, familyBudget, integer, jsonOption, quietOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { renderTable } from '../report/terminal.js'
import { findStoredRun, type StoredRun } from '../run/run-folder.js'

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
  readonly quiet?: boolean
}

export function addQuickstart(program: Command, io: Io): void {
  program
    .command('quickstart')
    .description(
      'The whole method on Fashion-MNIST, in minutes: from one trained ancestor to a pool of descendants, and the best one under a budget.',
    )
    .option('--out <dir>', 'where to write report.html, report.json, the pool and the chosen model', 'runs/quickstart')
    .option('--budget <caps>', 'hard caps on macs, params (or parameters), memory and bytes that the chosen model keeps', familyBudget)
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
    .addOption(quietOption())
    .addOption(seedOption('of every random choice'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      example('learngene quickstart --budget macs=5M,params=300k', 'writes runs/quickstart/report.html, to be opened in a browser'),
    )
    .action(async (given: QuickstartCommandOptions, command: Command) => {
      const { out, config, printConfig: printOnly, json, quiet, force = false, dataDir, budget, ...program } = given
      const { readConfig } = await import('../quickstart/config.js')
      const { quickstartOf, quickstartRun } = await import('../quickstart/run.js')
      const stored = config === undefined && !force ? await storedQuickstart(out) : undefined
      const before = stored && quickstartOf(stored.config)
      const values = await readConfig(config, { budget }, before?.config)
      const { checkRun } = await import('../run/build-recipe.js')
      const seed = stored && command.getOptionValueSource('seed') === 'default' ? stored.seed : program.seed
      const run = { config: quickstartRun(values, dataDir ?? before?.dataDir), seed }
      checkRun(run.config, config ?? 'quickstart configuration')
      if (printOnly) return printConfig(io, values)
      const { runProgram } = await import('../run/program.js')
      const report = await withProgress(
        io,
        (report) => runProgram({ ...program, ...run, command: 'quickstart', outDir: out, force, report, signal: io.signal }),
        quiet,
      )
      if (json) return printJson(io, report)
      io.stdout.write(`${renderTable(report, out, quiet)}\n`)
    })
}

/** The folder's quickstart; undefined where there is none. */
async function storedQuickstart(dir: string): Promise<StoredRun | undefined> {
  const found = await findStoredRun(dir)
  return found?.command === 'quickstart' ? found : undefined
}
