import type { BackendName } from '@learngene/backends'
import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { addRunArgument, backendOption, example, integer, jsonOption, quietOption, runOf, seconds, seedOption } from '../options.js'
import { withProgress } from '../progress/progress-reporter.js'
import { commandText, nextText } from '../report/next.js'

interface ProfileCommandOptions {
  readonly backend: BackendName | 'auto'
  readonly batch: number
  readonly seconds: number
  readonly out?: string
  readonly force?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addProfile(program: Command, io: Io): void {
  const command = addRunArgument(program.command('profile'))
  command
    .description(
      "Time the parts of a run's family on this machine, from which the latency of every descendant is composed, and check that against whole models. " +
        'What is found is kept for learngene search; in a file it lets other machines search for this one.',
    )
    .addOption(backendOption())
    .option('--batch <number>', 'images per call', integer(1, 65536), 1)
    .option('--seconds <number>', 'what all timed runs take together: longer narrows the intervals', seconds, 8)
    .option('--out <file>', 'write the profile there too, for --profile of search and extract')
    .option('--force', 'replace a file that is no latency profile')
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .usage('<run> [options]')
    .addHelpText('after', example('learngene profile runs/quickstart --backend wasm --out phone.json'))
    .action(async (argument: string | undefined, { out, force, json, quiet, ...setting }: ProfileCommandOptions) => {
      const run = runOf(command, argument)
      const { profileRun, profileLines } = await import('./profile-run.js')
      const context = (report: Parameters<Parameters<typeof withProgress>[1]>[0]) => ({ report, env: io.env, signal: io.signal })
      const profile = await withProgress(io, (report) => profileRun({ run, out, force, ...setting }, context(report)), quiet)
      if (json) return printJson(io, profile)
      const cap = `latency=${Number((profile.readBack.median + profile.overheadMs + slowest(profile)).toPrecision(2))}ms@${profile.backend},batch=${profile.batch}`
      const next = commandText('search', run, '--budget', cap, ...(out === undefined ? [] : ['--profile', out]))
      io.stdout.write(`${profileLines(profile).join('\n')}\n${nextText([next], quiet)}`)
    })
}

const slowest = ({ checked, parts }: { readonly checked: readonly { readonly measuredMs: number }[]; readonly parts: object }): number =>
  checked.length > 0 ? Math.max(...checked.map(({ measuredMs }) => measuredMs)) : Object.keys(parts).length
