import { fork } from 'node:child_process'

/**
 * Runs a module in a new process, sends it a request and waits for its one answer, after which the process is ended: it has nothing left to do, and drivers may
 * hang while they are unloaded.
 *
 * @param failure the message of the error when the process ends without an answer, from what it wrote to stderr and how it ended, such as `exit code 1`
 * @throws that error; the signal's abortion
 */
export function askProcess(
  module: URL,
  request: object,
  failure: (stderr: string, ended: string) => string,
  signal?: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = fork(module, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], signal, killSignal: 'SIGKILL' })
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    child.on('message', (answer) => {
      resolve(answer)
      child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', (code, endedBy) => reject(new Error(failure(errors, endedBy ? `ended by ${endedBy}` : `exit code ${code}`))))
    child.send(request, () => {})
  })
}
