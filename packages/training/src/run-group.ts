import { type ResourceLimits, Worker } from 'node:worker_threads'
import type { ReportEvent, Reporter } from '@learngene/interfaces'
import type { Group } from './group.js'
import { createShares } from './shares.js'
import { type GroupMemory, groupMemory } from './thread-group.js'

/** What a module run by `runGroup` exports as `main`. Every member runs it with equal input; they differ in `group.rank` only. */
export type GroupProgram<Input, Result> = (group: Group, input: Input, report: Reporter) => Promise<Result> | Result

export interface RunGroupOptions {
  /** Number of worker threads. */
  readonly size: number
  /** The module whose export `main` each worker runs; see `GroupProgram`. */
  readonly module: URL
  /** Given to each `main`; anything that structured clone can copy. */
  readonly input: unknown
  /** Gets the events of rank 0: stages and messages all, progress about ten times a second and when done. */
  readonly report?: Reporter
  /** Ends all workers at once. */
  readonly signal?: AbortSignal
  /** Limits of each worker's heap. Buffers and wasm memory lie outside of it. */
  readonly resourceLimits?: ResourceLimits
}

export interface MemberData {
  readonly module: string
  readonly input: unknown
  readonly rank: number
  readonly size: number
  readonly memory: GroupMemory
}

export type MemberMessage =
  | { readonly kind: 'report'; readonly event: ReportEvent }
  | { readonly kind: 'share'; readonly name: string; readonly byteLength: number }
  | { readonly kind: 'done'; readonly result: unknown }

/**
 * Runs one program in several worker threads that average their gradients (or whatever else) through shared memory. The calling thread
 * stays free for progress and signals.
 *
 * @returns what rank 0's `main` returned, once all have returned
 * @throws the error of the first worker that throws, is out of memory or exits, with its rank as the property `rank`; the signal's reason.
 * The other workers are ended then
 */
export async function runGroup<Result = unknown>(options: RunGroupOptions): Promise<Result> {
  const { size, module, input, report, signal, resourceLimits } = options
  if (!Number.isInteger(size) || size < 1) throw new Error(`runGroup: size must be a positive integer; got ${size}`)
  signal?.throwIfAborted()
  const memory = groupMemory(size)
  const share = createShares(size)
  const workers: Worker[] = []
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal!.reason)
  })
  signal?.addEventListener('abort', abort)
  try {
    for (let rank = 0; rank < size; rank++) {
      const workerData: MemberData = { module: module.href, input, rank, size, memory }
      workers.push(new Worker(new URL('./member.js', import.meta.url), { workerData, resourceLimits, name: `rank ${rank}` }))
    }
    const results = workers.map((worker, rank) => resultOf(worker, rank, { size, share, report }))
    const [result] = await Promise.race([aborted, Promise.all(results)])
    return result as Result
  } finally {
    signal?.removeEventListener('abort', abort)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

function resultOf(
  worker: Worker,
  rank: number,
  { size, share, report }: { size: number; share: ReturnType<typeof createShares>; report?: Reporter },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(Object.assign(error instanceof Error ? error : new Error(String(error)), { rank }))
    worker.on('message', (message: MemberMessage) => {
      if (message.kind === 'done') resolve(message.result)
      else if (message.kind === 'report') report?.(message.event)
      else {
        try {
          worker.postMessage(share(rank, message.name, message.byteLength))
        } catch (error) {
          fail(error)
        }
      }
    })
    worker.on('messageerror', fail)
    worker.on('error', fail)
    worker.on('exit', (code) => fail(new Error(`runGroup: worker ${rank} of ${size} ended with exit code ${code} before main returned`)))
  })
}
