import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { example, jsonOption, quietOption, seedOption } from '../options.js'
import type { ReportOptions } from './write-report.js'

export function addReport(program: Command, io: Io): void {
  program
    .command('report')
    .description(
      "Write a run's page anew, or one page on which several runs stand side by side: fronts in one picture, choices, budgets, what differs.",
    )
    .argument('<run...>', "directories that 'learngene quickstart' or 'learngene run' made")
    .option('--out <file>', "where to write (default: the run's own report.html; report-comparison.html for several runs)")
    .option('--force', 'replace a file that is no page of learngene')
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene report runs/quickstart runs/wider --out wider.html'))
    .action(async (dirs: string[], { json, ...options }: Omit<ReportOptions, 'dirs'> & { readonly json?: boolean }) => {
      const { writeReport } = await import('./write-report.js')
      const { text, ...written } = await writeReport({ ...options, dirs })
      if (json) printJson(io, written)
      else io.stdout.write(`${text}\n\nreport: ${written.file}\n`)
    })
}
