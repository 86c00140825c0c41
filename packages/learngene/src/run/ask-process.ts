import { fork } from 'node:child_process'

/**
 * Runs a module in a new process, sends it a request and waits for its one answer.
 *
 * @param failure the message of the error when the process fails, from what it wrote to stderr and its exit code
 * @throws that error; the signal's abortion
 */
export function askProcess(
  module: URL,
  request: object,
  failure: (stderr: string, code: number | null) => string,
  signal?: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = fork(module, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], signal })
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    child.on('message', resolve)
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code !== 0) reject(new Error(failure(errors, code)))
    })
    child.send(request)
  })
}
