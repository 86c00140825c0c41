import type { BackendName, UsedBackend } from '@learngene/backends'
import { askProcess } from '../ask-process.js'

/** Some try several drivers, each from a disk that may be slow. */
const TIME_LIMIT_SECONDS = 120

/**
 * The backend that `auto` takes on this machine and why it passed over others, found out in a process of its own: TensorFlow and GPU devices should be started in the
 * threads that compute only.
 *
 * @param module the built `probe-process` entry
 * @param limitSeconds after which it hangs
 * @throws when none starts
 */
export async function resolveBackend(module: URL, signal?: AbortSignal, limitSeconds = TIME_LIMIT_SECONDS): Promise<UsedBackend> {
  const failure = (stderr: string, ended: string) =>
    /no backend can be started: .*/.exec(stderr)?.[0] ?? `no backend can be started: ${ended}`
  return (await askProcess(module, {}, failure, { seconds: limitSeconds, signal })) as UsedBackend
}

/** Threads that a backend is best driven by: wasm and cpu compute on one thread each, the others use the whole machine or a GPU by themselves. */
export const defaultWorkers = (backend: BackendName): number => (backend === 'wasm' || backend === 'cpu' ? 2 : 1)
