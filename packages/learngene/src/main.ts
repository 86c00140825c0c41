import { CommanderError } from 'commander'
import { oneLine, UsageError } from './errors.js'
import { type Io, processIo } from './io.js'
import { createProgram } from './program.js'

export const SUCCESS = 0
export const FAILURE = 1
export const BAD_USAGE = 2
/** 128 + SIGINT, as shells count. */
export const INTERRUPTED = 130

/** Commands whose work is kept stage by stage. */
const RESUMABLE = new Set(['run', 'quickstart', 'unit', 'study'])
const GOES_ON = 'what is finished stands, and the same command goes on from the last checkpoint'
const KEEPS_PLANS = 'the plans that were measured by then are kept'
const LEAVES_NOTHING = 'nothing of this run is left on disk, and what was there before is as it was'

/**
 * The `learngene` command.
 *
 * @param argv the arguments after `node learngene`
 * @returns the exit code: 0; 1 where it failed; 2 where it was asked for wrongly; 130 where it was interrupted. Never throws: an error is one
 *   line on stderr, with its stack where the environment has LEARNGENE_DEBUG=1.
 */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  try {
    const program = createProgram(io)
    if (argv.length === 0) {
      throw new UsageError(`name a command: ${program.commands.map((command) => command.name()).join(', ')}; learngene --help tells more`)
    }
    await program.parseAsync(argv, { from: 'user' })
    return SUCCESS
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return SUCCESS
    if (io.signal.aborted) {
      io.stderr.write(`learngene: interrupted; ${whatIsLeft(argv[0]!)}\n`)
      return INTERRUPTED
    }
    io.stderr.write(`learngene: ${describe(error)}\n`)
    if (io.env.LEARNGENE_DEBUG === '1' && error instanceof Error) io.stderr.write(`${error.stack}\n`)
    return error instanceof UsageError || error instanceof CommanderError ? BAD_USAGE : FAILURE
  }
}

function whatIsLeft(command: string): string {
  if (RESUMABLE.has(command)) return GOES_ON
  return command === 'tune' ? KEEPS_PLANS : LEAVES_NOTHING
}

function describe(error: unknown): string {
  const line = oneLine(error)
  return error instanceof CommanderError ? line.replace(/^error: /, '') : line
}
