import { type ResourceLimits, Worker } from 'node:worker_threads'
import { describe } from './arguments.js'
import { type HostOptions, hostGroup, type MemberStart } from './host-group.js'

export interface RunGroupOptions extends HostOptions {
  /** The module whose export `main` each worker runs; see `GroupProgram`. */
  readonly module: URL
  /** Limits of each worker's heap. Buffers and wasm memory lie outside of it. */
  readonly resourceLimits?: ResourceLimits
}

export interface MemberData extends MemberStart {
  readonly module: string
}

/**
 * Runs one program in several worker threads that average their gradients (or whatever else) through shared memory. The calling thread
 * stays free for progress and signals.
 *
 * @returns what rank 0's `main` returned, once all have returned
 * @throws the error of the first worker that throws, is out of memory or exits, with its rank as the property `rank`; the signal's reason.
 * The other workers are ended then
 */
export async function runGroup<Result = unknown>({ module, resourceLimits, ...options }: RunGroupOptions): Promise<Result> {
  if (typeof module?.href !== 'string') {
    throw new Error(`runGroup: module must be a URL, for example new URL('./program.js', import.meta.url); got ${describe(module)}`)
  }
  return hostGroup<Result>(options, (start) => {
    const { rank, size } = start
    const workerData: MemberData = { ...start, module: module.href }
    const worker = new Worker(new URL('./member.js', import.meta.url), { workerData, resourceLimits, name: `rank ${rank}` })
    return {
      post: (message) => worker.postMessage(message),
      listen(onMessage, onFailure) {
        worker.on('message', onMessage)
        worker.on('messageerror', onFailure)
        worker.on('error', onFailure)
        worker.on('exit', (code) =>
          onFailure(new Error(`runGroup: worker ${rank} of ${size} ended with exit code ${code} before main returned`)),
        )
      },
      terminate: () => worker.terminate(),
    }
  })
}
