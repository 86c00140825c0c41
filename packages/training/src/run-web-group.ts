import { requireFunctions } from './arguments.js'
import { type HostOptions, hostGroup, type MemberMessage } from './host-group.js'

export interface RunWebGroupOptions extends HostOptions {
  /**
   * Starts one worker, whose script calls `serveGroup`: `() => new Worker(new URL('./program.js', import.meta.url), { type: 'module' })`, which
   * bundlers understand where it stands in the page's own code.
   */
  readonly worker: () => Worker
}

/**
 * Runs one program in several Web Workers that average their gradients (or whatever else) through shared memory. The page stays free.
 *
 * @returns what rank 0's program returned, once all have returned
 * @throws where the page is not cross-origin isolated and `size` is more than 1; the error of the first worker whose program throws or whose
 * script cannot be loaded, with its rank as the property `rank`; the signal's reason. The other workers are ended then
 */
export async function runGroup<Result = unknown>({ worker: create, ...options }: RunWebGroupOptions): Promise<Result> {
  requireFunctions('runGroup', { worker: create ?? null }, ['worker'])
  if (options.size > 1 && !globalThis.crossOriginIsolated) {
    throw new Error(
      `runGroup: ${options.size} workers share memory, which needs a cross-origin isolated page; serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or use one worker`,
    )
  }
  return hostGroup<Result>(options, (start) => {
    const worker = create()
    worker.postMessage(start)
    return {
      post: (message) => worker.postMessage(message),
      listen(onMessage, onFailure) {
        worker.onmessage = ({ data }: MessageEvent<MemberMessage>) => onMessage(data)
        worker.onmessageerror = () => onFailure(new Error(`runGroup: a message of worker ${start.rank} of ${start.size} cannot be read`))
        worker.onerror = ({ message }) =>
          onFailure(new Error(`runGroup: worker ${start.rank} of ${start.size} failed: ${message || 'its script cannot be loaded'}`))
      },
      terminate: () => worker.terminate(),
    }
  })
}
