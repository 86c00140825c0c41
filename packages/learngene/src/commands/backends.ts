import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { example, jsonOption, quietOption, seedOption } from '../options.js'
import { commandText, nextText } from '../report/next.js'
import { textTable } from '../report/text.js'

export function addBackends(program: Command, io: Io): void {
  program
    .command('backends')
    .description('Show what TensorFlow.js can compute on here, in the order of --backend auto, and why the rest is not available.')
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene backends --json'))
    .action(async ({ json, quiet }: { readonly json?: boolean; readonly quiet?: boolean }) => {
      const { listBackends } = await import('./list-backends.js')
      const backends = await listBackends()
      if (json) return printJson(io, { backends })
      const rows = backends.map(({ name, available, version, device, features, reason }) => [
        name,
        available ? 'yes' : 'no',
        version ?? '',
        device ?? '',
        reason ?? features.join(', '),
      ])
      const table = textTable(['backend', 'available', 'version', 'device', 'features, or why not'], rows, Array(5).fill('left'))
      io.stdout.write(`${table}\n${nextText([commandText('doctor')], quiet)}`)
    })
}
