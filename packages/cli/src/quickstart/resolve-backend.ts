import { fork } from 'node:child_process'
import type { BackendName, UsedBackend } from '@learngene/backends'

/**
 * The backend that `auto` takes on this machine and why it passed over others, found out in a process of its own: TensorFlow and GPU devices should be started in the
 * threads that compute only.
 *
 * @param module the built `probe-process` entry
 * @throws when none starts
 */
export function resolveBackend(module: URL, signal?: AbortSignal): Promise<UsedBackend> {
  return new Promise((resolve, reject) => {
    const child = fork(module, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], signal })
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    child.on('message', (used) => resolve(used as UsedBackend))
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code !== 0) reject(new Error(/no backend can be started: .*/.exec(errors)?.[0] ?? `no backend can be started: exit code ${code}`))
    })
  })
}

/** Threads that a backend is best driven by: wasm and cpu compute on one thread each, the others use the whole machine or a GPU by themselves. */
export const defaultWorkers = (backend: BackendName): number => (backend === 'wasm' || backend === 'cpu' ? 2 : 1)
