import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { RawImage, Reporter } from '@learngene/interfaces'
import { UsageError } from '../errors.js'
import type { Prediction } from '../predict/classify.js'
import { type Engine, type EngineFacts, type EngineOptions, openEngine } from './engine.js'

export type EngineStart = EngineOptions

export type EngineRequest =
  | { readonly kind: 'classify'; readonly id: number; readonly model: number; readonly pictures: readonly RawImage[]; readonly top: number }
  | { readonly kind: 'close' }

export type EngineMessage =
  | { readonly kind: 'report'; readonly event: Parameters<Reporter>[0] }
  | { readonly kind: 'ready'; readonly facts: EngineFacts }
  | { readonly kind: 'impossible'; readonly message: string; readonly isUsage: boolean }
  | { readonly kind: 'answer'; readonly id: number; readonly predictions: Prediction[][] }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string }

/** The thread's file as it lies beside the built package; not there where the package runs from its sources. */
const threadFile = new URL('./serve/engine-thread.js', import.meta.url)

/**
 * {@link openEngine} on a thread of its own, so that the calling one answers while it computes; on the calling one where the thread's file is not there.
 *
 * @throws as `openEngine` does; the signal's reason
 */
export async function openThreadEngine(options: EngineOptions, report: Reporter, signal: AbortSignal, file = threadFile): Promise<Engine> {
  if (file.protocol !== 'file:' || !existsSync(fileURLToPath(file))) return openEngine(options, report, signal)
  signal.throwIfAborted()
  const worker = new Worker(file, { workerData: options satisfies EngineStart, name: 'engine' })
  const waiting = new Map<number, { resolve(predictions: Prediction[][]): void; reject(error: Error): void }>()
  let nextId = 0
  let isClosing = false
  let ended = () => {}
  const end = new Promise<void>((resolve) => {
    ended = resolve
  })
  let fail = (_: Error) => {}
  const failed = new Promise<Error>((resolve) => {
    fail = (error) => {
      for (const { reject } of waiting.values()) reject(error)
      waiting.clear()
      resolve(error)
    }
  })
  const facts = await new Promise<EngineFacts>((resolve, reject) => {
    const abort = () => {
      reject(signal.reason)
      void worker.terminate()
    }
    signal.addEventListener('abort', abort, { once: true })
    worker.on('message', (message: EngineMessage) => {
      if (message.kind === 'report') return report(message.event)
      if (message.kind === 'answer' || message.kind === 'failure') {
        const job = waiting.get(message.id)
        waiting.delete(message.id)
        if (message.kind === 'answer') job?.resolve(message.predictions)
        else job?.reject(new Error(message.message))
        return
      }
      signal.removeEventListener('abort', abort)
      if (message.kind === 'ready') return resolve(message.facts)
      reject(message.isUsage ? new UsageError(message.message) : new Error(message.message))
    })
    const lost = (error: Error) => {
      reject(error)
      if (!isClosing) fail(error)
    }
    worker.on('error', (error) => lost(new Error(`the thread that computes has failed: ${(error as Error).message}`)))
    worker.on('exit', (code) => {
      lost(new Error(`the thread that computes has ended with exit code ${code}`))
      ended()
    })
  })
  return {
    ...facts,
    failed,
    classify: (model, pictures, top) =>
      new Promise((resolve, reject) => {
        const id = nextId++
        waiting.set(id, { resolve, reject })
        // Moved rather than copied; a part of another buffer stays with that.
        const own = pictures.filter(({ data }) => data.byteLength === data.buffer.byteLength).map(({ data }) => data.buffer as ArrayBuffer)
        worker.postMessage({ kind: 'classify', id, model, pictures, top } satisfies EngineRequest, [...new Set(own)])
      }),
    async close() {
      isClosing = true
      worker.postMessage({ kind: 'close' } satisfies EngineRequest)
      await end
    },
  }
}
