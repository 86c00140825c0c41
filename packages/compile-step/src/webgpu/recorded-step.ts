import type { Tensor } from '@tensorflow/tfjs-core'
import { patch } from '../patch.js'
import { type RunResult, runPlain } from '../plain.js'
import type { RecordedStep, RecordingKey, RecordingOptions } from '../recorded-step.js'
import { Refusal } from '../refusal.js'
import type { StepStats } from '../stats.js'
import { tensorsOf } from '../tree.js'
import { Arena } from './arena.js'
import { flush, memorySettled, openEncoder, type WebGPUBackend } from './backend.js'
import { type Capture, capture, discard } from './capture.js'
import { type CompileProgress, compileAhead, withReal } from './compile-ahead.js'
import { keepHomes } from './home.js'
import { endTensors } from './outputs.js'
import { bytesToAdd, layoutFor, type Memory, Recording } from './recording.js'
import { differenceOf } from './same-capture.js'

/** A step on one WebGPU backend with its recordings, the least recently used first. */
export class WebGPUStep implements RecordedStep {
  private readonly memory: Memory
  private readonly recordings = new Map<string, Recording>()
  private readonly plain = new Set<string>()
  /** Keys whose step left tensors behind the first time, as one that fills a cache does; it was executed once for them. */
  private readonly leftTensors = new Set<string>()
  /** Of the run that comes next. */
  private prepared: { readonly key: string; readonly capture: Capture } | undefined
  private last: Recording | undefined
  /** A recording for one run only. */
  private passing: Recording | undefined
  private readonly counts = { captures: 0, replays: 0, plainRuns: 0, newBuffers: 0 }

  constructor(
    private readonly backend: WebGPUBackend,
    private readonly step: (inputs: unknown) => unknown,
    private readonly options: RecordingOptions,
  ) {
    const { device } = backend
    this.memory = { backend, device, intermediates: new Arena(device), outputs: new Arena(device) }
  }

  run(inputs: unknown, of: RecordingKey): RunResult {
    const key = `${of.key} ${of.signature}`
    this.drop(this.passing)
    this.passing = undefined
    const recording = this.recordings.get(key) ?? (this.plain.has(key) ? undefined : this.record(key, inputs, of.key))
    this.last = recording
    if (!recording) return this.runPlain(inputs)
    this.recordings.delete(key)
    if (recording !== this.passing) this.recordings.set(key, recording)
    const result = recording.replay(tensorsOf(inputs))
    this.counts.replays++
    return result
  }

  /**
   * Captures a step that has no recording yet, for the next run of it, while its pipelines are compiled at the same time. Then waits until it is known that there is memory for its
   * inputs, and was for all before.
   */
  async prepare(inputs: unknown, of: RecordingKey, onProgress: CompileProgress): Promise<void> {
    const key = `${of.key} ${of.signature}`
    const isKnown = this.recordings.has(key) || this.plain.has(key) || this.leftTensors.has(key)
    if (!isKnown) await this.captureAhead(key, inputs, of.key, onProgress)
    await memorySettled(this.backend)
  }

  private async captureAhead(key: string, inputs: unknown, name: string, onProgress: CompileProgress): Promise<void> {
    const { backend } = this
    this.forgetPrepared()
    const ahead = compileAhead(this.memory.device)
    const cache = { ...backend.pipelineCache }
    const restore = patch<WebGPUBackend>(backend, { pipelineCache: cache })
    let first: Capture
    try {
      this.counts.captures++
      first = capture(backend, this.step, inputs, ahead)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return this.refuse(key, name, error.message)
    } finally {
      restore()
    }
    const prepared = { key, capture: first }
    this.prepared = prepared
    try {
      await ahead.settle(onProgress)
    } catch {
      if (this.prepared === prepared) this.forgetPrepared() // the run compiles it again, and its device tells what is wrong
      return
    }
    for (const [program, pipeline] of Object.entries(cache)) backend.pipelineCache[program] ??= ahead.real(pipeline)
    if (this.prepared === prepared) this.prepared = { key, capture: withReal(first, ahead) }
  }

  private forgetPrepared(): void {
    if (this.prepared) discard(this.prepared.capture)
    this.prepared = undefined
  }

  get stats(): StepStats {
    const { intermediates, outputs } = this.memory
    const recordings = [...this.recordings.values()]
    return {
      ...(this.last?.counts ?? { dispatches: 0, copies: 0, uploads: 0, plainBytes: 0 }),
      buffers: recordings.reduce((sum, { ownBuffers }) => sum + ownBuffers, intermediates.buffers + outputs.buffers),
      bytes: this.bytes,
      recordings: recordings.length,
      ...this.counts,
    }
  }

  end(outputs: readonly Tensor[]): void {
    this.counts.newBuffers += endTensors(this.backend, outputs)
  }

  dispose(): void {
    this.forgetPrepared()
    for (const recording of [...this.recordings.values(), this.passing]) this.drop(recording)
    this.recordings.clear()
    this.passing = this.last = undefined
  }

  private get bytes(): number {
    const { intermediates, outputs } = this.memory
    return [...this.recordings.values()].reduce((sum, { ownBytes }) => sum + ownBytes, intermediates.bytes + outputs.bytes)
  }

  /** A recording to be replayed, or undefined where the step must run plainly. */
  private record(key: string, inputs: unknown, name: string): Recording | undefined {
    const captured = () => {
      this.counts.captures++
      return capture(this.backend, this.step, inputs)
    }
    try {
      const prepared = this.prepared?.key === key ? this.prepared.capture : undefined
      if (prepared) this.prepared = undefined
      const first = prepared ?? captured()
      if (first.kept.length > 0 || this.options.once) {
        if (this.leftTensors.has(key)) this.refuse(key, name, 'it keeps tensors that it made')
        this.leftTensors.add(key)
        this.passing = new Recording(this.memory, first)
        return this.passing
      }
      const second = captured()
      discard(second)
      const difference = differenceOf(first, second)
      if (difference) throw new Refusal(`it does not do the same each time: ${difference}`)
      const layout = this.makeRoom(() => layoutFor(this.memory, first))
      return new Recording(this.memory, first, layout)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.refuse(key, name, error.message)
      return undefined
    }
  }

  /** Drops the least recently used recordings until a new one fits into the limit. */
  private makeRoom(layOut: () => ReturnType<typeof layoutFor>): ReturnType<typeof layoutFor> {
    while (this.recordings.size >= this.options.maxRecordings) this.dropOldest()
    for (;;) {
      const layout = layOut()
      const bytes = bytesToAdd(this.memory, layout)
      if (this.bytes + bytes <= this.options.memoryLimit) return layout
      if (this.recordings.size === 0) {
        throw new Refusal(`a recording of it takes ${bytes} bytes; memoryLimit is ${this.options.memoryLimit}`)
      }
      this.dropOldest()
    }
  }

  private dropOldest(): void {
    const [key, recording] = this.recordings.entries().next().value!
    this.recordings.delete(key)
    this.drop(recording)
  }

  /** Waiting commands may still read what a recording holds. */
  private drop(recording: Recording | undefined): void {
    if (!recording) return
    flush(this.backend)
    recording.dispose()
  }

  private refuse(key: string, name: string, reason: string): void {
    this.plain.add(key)
    this.options.refused(reason, name)
  }

  /** Recordings refer to the variables' buffers, so a plain run must leave its values there. */
  private runPlain(inputs: unknown): RunResult {
    this.counts.plainRuns++
    const { backend } = this
    if (this.recordings.size === 0) return runPlain(this.step, inputs)
    const keeper = keepHomes(backend)
    try {
      const result = runPlain(this.step, inputs)
      for (const { variable, buffer } of keeper.moved()) {
        backend.uploadToGPU(variable.dataId)
        openEncoder(backend).copyBufferToBuffer(backend.tensorMap.get(variable.dataId).resource!, 0, buffer, 0, buffer.size)
      }
      keeper.bringBack()
      return result
    } finally {
      keeper.end()
    }
  }
}
