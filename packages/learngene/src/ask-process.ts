import { fork } from 'node:child_process'

/** What timers count to, in ms. */
const MOST_MS = 2 ** 31 - 1

/**
 * Runs a module in a new process, sends it a request and waits for its one answer, after which the process is ended: it has nothing left to do, and drivers may
 * hang while they are unloaded.
 *
 * @param failure the message of the error when the process ends without an answer, from what it wrote to stderr and how it ended, such as `exit code 1`;
 *   from nothing and `no answer within 20 s` when its time is over
 * @param limits `seconds` that it may take, as drivers may hang while they work too, and what ends it earlier
 * @throws that error; the signal's abortion
 */
export function askProcess(
  module: URL,
  request: object,
  failure: (stderr: string, ended: string) => string,
  { seconds, signal }: { readonly seconds: number; readonly signal?: AbortSignal | undefined },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = fork(module, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], signal, killSignal: 'SIGKILL' })
    let errors = ''
    const end = () => {
      reject(new Error(failure('', `no answer within ${seconds} s`)))
      child.kill('SIGKILL')
      // Where a driver holds it, it does not end by that, and is no reason to stay.
      child.stderr?.destroy()
      if (child.connected) child.disconnect()
      child.unref()
    }
    const limit = setTimeout(end, Math.min(1000 * seconds, MOST_MS))
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    child.on('message', (answer) => {
      clearTimeout(limit)
      resolve(answer)
      child.kill('SIGKILL')
    })
    child.on('error', (error) => {
      clearTimeout(limit)
      reject(error)
    })
    child.on('close', (code, endedBy) => {
      clearTimeout(limit)
      reject(new Error(failure(errors, endedBy ? `ended by ${endedBy}` : `exit code ${code}`)))
    })
    child.send(request, () => {})
  })
}
