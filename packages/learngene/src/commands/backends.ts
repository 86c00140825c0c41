import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { example, jsonOption, seedOption } from '../options.js'
import { textTable } from '../report/text.js'

export function addBackends(program: Command, io: Io): void {
  program
    .command('backends')
    .description('Show what TensorFlow.js can compute on here, in the order of --backend auto, and why the rest is not available.')
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene backends --json'))
    .action(async ({ json }: { readonly json?: boolean }) => {
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
      io.stdout.write(`${textTable(['backend', 'available', 'version', 'device', 'features, or why not'], rows, Array(5).fill('left'))}\n`)
    })
}
