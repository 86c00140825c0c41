import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { example, jsonOption, quietOption, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'

/** Of what is no terminal, and of a terminal that does not know its width: it reports 0. */
const USUAL_COLUMNS = 110

export function addDoctor(program: Command, io: Io): void {
  program
    .command('doctor')
    .description(
      'Find out what computes here: tries every backend in a process of its own, decodes images, looks at the machine, and says what would help.',
    )
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene doctor --json', 'exit code 0 where at least one backend computes, else 1'))
    .action(async ({ json, quiet }: { readonly json?: boolean; readonly quiet?: boolean }) => {
      const { diagnose } = await import('../doctor/diagnosis.js')
      const { describeDiagnosis, hasColours } = await import('../doctor/describe.js')
      const diagnosis = await withProgress(io, (report) => diagnose(io, report, { signal: io.signal }), quiet)
      if (json) printJson(io, diagnosis)
      else
        io.stdout.write(
          `${describeDiagnosis(diagnosis, { colours: hasColours(io.stdout, io.env), columns: io.stdout.columns || USUAL_COLUMNS })}\n`,
        )
      if (!diagnosis.backends.some(({ computes }) => computes)) throw new Error('nothing computes here: no backend gave the right numbers')
    })
}
