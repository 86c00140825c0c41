import type { Dataset } from '@learngene/interfaces'
import { type DecodePlace, type PicturePlace, type PictureTask, type PreparedPicture, preparePicture } from './prepare.js'

/** Prepares pictures on other threads. */
export interface PicturePool {
  run(task: PictureTask, signal?: AbortSignal): Promise<PreparedPicture>
}

/** A dataset whose pictures any thread can read. */
export interface DatasetElsewhere extends Dataset {
  readonly elsewhere?: {
    readonly pool: PicturePool
    readonly place: (index: number, signal?: AbortSignal) => PicturePlace | Promise<PicturePlace>
  }
}

/** A running worker, of either platform. */
export interface PictureWorker {
  post(message: PoolRequest): void
  /** Names what receives the worker's messages, and what is called when it fails or ends. */
  listen(onMessage: (message: PoolReply) => void, onFailure: () => void): void
  /** Whether the process stays alive for its sake. */
  hold(isHeld: boolean): void
  terminate(): void
}

export interface PoolRequest {
  readonly id: number
  readonly task: PictureTask
}

export type PoolReply = { readonly id: number } & ({ readonly prepared: PreparedPicture } | { readonly error: string })

export interface PoolOptions {
  /** Workers at most. */
  readonly size: number
  /** Undefined where none can be started. */
  readonly start: () => PictureWorker | undefined
  /** For the calling thread, which takes over where workers fail. */
  readonly decode: DecodePlace
  /** Milliseconds without a task after which the workers end. Default 10,000. */
  readonly idle?: number
}

interface Job extends PoolRequest {
  readonly resolve: (prepared: PreparedPicture | Promise<PreparedPicture>) => void
  readonly reject: (error: unknown) => void
}

/**
 * Workers that start with the first tasks, do not keep the process alive, and end when they have been idle. Where one cannot be started or fails, the calling thread does its tasks,
 * and no further one is started: the pixels are the same.
 */
export const picturePool = ({ size, start, decode, idle = 10_000 }: PoolOptions): PicturePool => {
  const workers = new Map<PictureWorker, Map<number, Job>>()
  let isBroken = false
  let nextId = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const end = () => {
    const ended = [...workers.keys()]
    workers.clear()
    for (const worker of ended) worker.terminate()
  }

  const rest = () => {
    clearTimeout(timer)
    if ([...workers.values()].some((jobs) => jobs.size > 0)) return
    timer = setTimeout(end, idle)
    // In Node a timer is an object that must not keep the process alive.
    if (typeof timer === 'object') timer.unref()
  }

  const drop = (worker: PictureWorker) => {
    const jobs = workers.get(worker)
    if (!jobs) return // ended by us
    isBroken = true
    workers.delete(worker)
    worker.terminate()
    for (const { task, resolve } of jobs.values()) resolve(preparePicture(task, decode))
    rest()
  }

  const hire = (): PictureWorker | undefined => {
    const worker = start()
    if (!worker) {
      isBroken = true
      return undefined
    }
    const jobs = new Map<number, Job>()
    workers.set(worker, jobs)
    worker.listen(
      (reply) => {
        const job = jobs.get(reply.id)
        jobs.delete(reply.id)
        if (jobs.size === 0) worker.hold(false)
        rest()
        if ('error' in reply) job?.reject(new Error(reply.error))
        else job?.resolve(reply.prepared)
      },
      () => drop(worker),
    )
    return worker
  }

  /** The least busy one; a new one where all are busy. */
  const choose = (): PictureWorker | undefined => {
    const [leastBusy] = [...workers].sort(([, a], [, b]) => a.size - b.size)
    if (!isBroken && workers.size < size && (!leastBusy || leastBusy[1].size > 0)) return hire() ?? leastBusy?.[0]
    return leastBusy?.[0]
  }

  return {
    async run(task, signal) {
      signal?.throwIfAborted()
      const worker = choose()
      if (!worker) return preparePicture(task, decode)
      const jobs = workers.get(worker)!
      let abort = () => {}
      try {
        return await new Promise<PreparedPicture>((resolve, reject) => {
          const job = { id: nextId++, task, resolve, reject }
          abort = () => reject(signal!.reason)
          signal?.addEventListener('abort', abort)
          jobs.set(job.id, job)
          clearTimeout(timer) // which a thread that computes for long finds run out before it hears the answer
          worker.hold(true)
          worker.post({ id: job.id, task: { ...task, from: compact(task.from) } })
        })
      } finally {
        signal?.removeEventListener('abort', abort)
      }
    },
  }
}

/** A message copies the whole memory of which an array is a part. */
const compact = (from: PictureTask['from']): PictureTask['from'] =>
  'bytes' in from && from.bytes.byteLength < from.bytes.buffer.byteLength ? { ...from, bytes: new Uint8Array(from.bytes) } : from

/** What a worker answers to a request. */
export const replyTo = async ({ id, task }: PoolRequest, decode: DecodePlace): Promise<PoolReply> => {
  try {
    return { id, prepared: await preparePicture(task, decode) }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}

/** The buffers of a reply, which are moved to the other thread rather than copied. */
export const transfers = (reply: PoolReply): ArrayBuffer[] => {
  if ('error' in reply) return []
  const buffers = [reply.prepared.framed, reply.prepared.image].map(({ data }) => data.buffer as ArrayBuffer)
  return [...new Set(buffers)]
}
