import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Io, printJson } from '../io.js'
import { addRunArgument, example, integer, jsonOption, quietOption, seedOption } from '../options.js'
import { commandText, nextText } from '../report/next.js'

interface StudioCommandOptions {
  readonly run?: string
  readonly build?: string
  readonly port?: number
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addStudio(program: Command, io: Io): void {
  const command = addRunArgument(program.command('studio'))
    .description(
      "A run's family live in a browser: slide through its sizes, teach it your own classes. Without a run that of a quickstart, which is built in.",
    )
    .option('--build <dir>', 'write the page as a folder for any web host, and serve nothing')
    .option('--port <number>', 'of 127.0.0.1, where the page is served (default: any free one)', integer(1, 65535))
    .addOption(quietOption())
    .addOption(seedOption())
    .addOption(jsonOption())
    .addHelpText('after', example('learngene studio runs/quickstart', 'then open the address that it prints; Ctrl-C ends it'))
    .action(async (argument: string | undefined, { run: option, build, port, json, quiet }: StudioCommandOptions) => {
      const { buildStudio, openStudio, oneRun } = await import('./studio-page.js')
      const run = oneRun(argument, option)
      if (build !== undefined) {
        const built = await buildStudio(run, build)
        if (json) return printJson(io, built)
        io.stdout.write(
          `page: ${resolve(build)}, for any web server\n${nextText([commandText('studio', ...(run === undefined ? [] : [run]))], quiet)}`,
        )
        return
      }
      const served = await openStudio(run, { port })
      try {
        if (json) printJson(io, { run: run ?? null, url: served.url })
        else io.stdout.write(`studio: ${served.url}\n${quiet ? '' : 'open it in a browser; Ctrl-C ends it\n'}`)
        await ended(io.signal)
      } finally {
        await served.close()
      }
    })
  command.usage('[run] [options]')
}

/** Settles on Ctrl-C, which is how serving ends and no failure. */
const ended = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
