import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { askProcess } from '../ask-process.js'
import { packageRoot } from '../package-root.js'
import type { CheckAnswer, CheckRequest } from './check-process.js'

/** A process that takes longer hangs. */
export const TIME_LIMIT_SECONDS = 20

export type Checked = CheckAnswer & { readonly seconds: number }

export interface CheckOptions {
  /** Ends the check, which then throws. */
  readonly signal: AbortSignal
  /** The built `check-process` entry. */
  readonly module?: URL
  readonly limitSeconds?: number
}

/** Asks in a process of its own, so that a driver that crashes or hangs takes nothing else down and is an answer like others. */
export async function check(
  request: CheckRequest,
  { signal, module = built(), limitSeconds = TIME_LIMIT_SECONDS }: CheckOptions,
): Promise<Checked> {
  const started = performance.now()
  const answer = await askProcess(module, request, crashText, { seconds: limitSeconds, signal }).catch((error: Error): CheckAnswer => {
    signal.throwIfAborted()
    return { works: false, reason: error.message }
  })
  return { ...(answer as CheckAnswer), seconds: (performance.now() - started) / 1000 }
}

const built = () => pathToFileURL(join(packageRoot, 'dist', 'doctor', 'check-process.js'))

/** The line of an error, where there is one, tells more than the stack's last. */
function crashText(stderr: string, ended: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const line = lines.findLast((line) => /error|fatal|cannot/i.test(line) && !/^at /.test(line))
  return `its process fails (${ended})${line === undefined ? '' : `: ${line}`}`
}
