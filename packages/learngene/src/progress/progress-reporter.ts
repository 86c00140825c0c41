import type { Reporter } from '@learngene/interfaces'
import type { Io } from '../io.js'
import { plainReporter } from './plain-reporter.js'
import type { ProgressReporter } from './stage.js'
import { terminalReporter } from './terminal-reporter.js'

/** Progress on stderr: one live line where it is a terminal, plain lines elsewhere. */
export function createProgressReporter({ stderr, env }: Io, now: () => number = () => performance.now()): ProgressReporter {
  const started = now()
  const seconds = () => (now() - started) / 1000
  const live = stderr.isTTY === true && env.TERM !== 'dumb'
  return live ? terminalReporter(stderr, seconds) : plainReporter(stderr, seconds)
}

/** Runs `action` with a reporter and closes it, whatever happens. @param quiet shows nothing */
export async function withProgress<T>(io: Io, action: (report: Reporter) => Promise<T>, quiet = false): Promise<T> {
  if (quiet) return action(() => {})
  const progress = createProgressReporter(io)
  let completed = false
  try {
    const result = await action(progress.report)
    completed = true
    return result
  } finally {
    progress.close(completed)
  }
}
