import type { StageStatus } from '@learngene/recipe'
import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { example, jsonOption, quietOption, seedOption } from '../options.js'
import { durationText } from '../progress/clock-text.js'
import { readRun } from '../read-run.js'
import { commandText, nextText } from '../report/next.js'
import { nextCommands } from '../report/terminal.js'
import { formatCount, textTable } from '../report/text.js'

export function addStatus(program: Command, io: Io): void {
  program
    .command('status')
    .description('What has run of a run, what it cost, and what is next.')
    .argument('<run>', "a directory that 'learngene run' or 'learngene quickstart' made")
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene status runs/photos'))
    .action(async (run: string, { json, quiet }: { readonly json?: boolean; readonly quiet?: boolean }) => {
      const { statusOfRun } = await import('../run/status.js')
      const { command, stages, next } = await statusOfRun(run)
      if (json) return printJson(io, { command, stages, next: next ?? null })
      const table = textTable(['stage', 'state', 'time', 'images', 'MACs', 'memory'], stages.map(rowOf), [
        'left',
        'left',
        'right',
        'right',
        'right',
        'right',
      ])
      const then =
        next === undefined
          ? `all done\n${nextText(nextCommands(await readRun(run), run), quiet)}`
          : `to run: ${next}\n${nextText([commandText(command, '--out', run)], quiet)}`
      io.stdout.write(`${table}\n\n${then}`)
    })
}

function rowOf(status: StageStatus): string[] {
  const account = 'account' in status ? status.account : undefined
  const amount = (value: number | undefined) => (value ? formatCount(value) : '')
  return [
    status.stage,
    stateText(status),
    account ? durationText(account.seconds) : '',
    amount(account?.images),
    amount(account?.macs),
    account?.peakBytes ? `${formatCount(account.peakBytes)}B` : '',
  ]
}

function stateText(status: StageStatus): string {
  switch (status.state) {
    case 'done':
      return 'done'
    case 'stale':
      return `to run again: ${status.changed.join(', ') || 'something'} changed`
    case 'checkpoint':
      return `at step ${status.step}${status.total === undefined ? '' : ` of ${status.total}`}`
    case 'missing':
      return status.problem ?? 'to run'
  }
}
