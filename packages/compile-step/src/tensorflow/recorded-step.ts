import { dispose, type Tensor } from '@tensorflow/tfjs-core'
import { type RunResult, runPlain } from '../plain.js'
import type { RecordedStep, RecordingKey, RecordingOptions } from '../recorded-step.js'
import { Refusal } from '../refusal.js'
import { NO_STATS, type StepStats } from '../stats.js'
import { tensorsOf } from '../tree.js'
import type { TensorFlowBackend } from './backend.js'
import { type Capture, type CapturedRun, captureRun } from './capture.js'
import { Recording } from './recording.js'
import { differenceOf } from './same-capture.js'

/** A step on one TensorFlow backend with its recordings, the least recently used first. */
export class TensorFlowStep implements RecordedStep {
  private readonly recordings = new Map<string, Recording>()
  private readonly plain = new Set<string>()
  /** Keys whose step left tensors behind the first time, as one that fills a cache does. */
  private readonly leftTensors = new Set<string>()
  private readonly counts = { captures: 0, replays: 0, plainRuns: 0 }

  constructor(
    private readonly backend: TensorFlowBackend,
    private readonly step: (inputs: unknown) => unknown,
    private readonly options: RecordingOptions,
  ) {}

  run(inputs: unknown, of: RecordingKey): RunResult {
    const key = `${of.key} ${of.signature}`
    if (this.plain.has(key)) {
      this.counts.plainRuns++
      return runPlain(this.step, inputs)
    }
    const recording = this.recordings.get(key)
    if (!recording) return this.record(key, inputs, of.key)
    this.recordings.delete(key)
    this.recordings.set(key, recording)
    this.counts.replays++
    return recording.run(tensorsOf(inputs))
  }

  /** There is nothing to compile ahead. */
  async prepare(): Promise<void> {}

  get stats(): StepStats {
    return { ...NO_STATS, recordings: this.recordings.size, ...this.counts }
  }

  end(outputs: readonly Tensor[]): void {
    dispose([...outputs])
  }

  dispose(): void {
    for (const recording of this.recordings.values()) recording.dispose()
    this.recordings.clear()
  }

  /**
   * Runs the step twice, makes that undone and runs the graph of it: what is recorded gives a graph's numbers from the first run on, whose rounding is not always that of single calls. Where
   * there can be no recording, what the last of the runs gave.
   */
  private record(key: string, inputs: unknown, name: string): RunResult {
    const first = this.capture(inputs)
    if (typeof first.capture === 'string') return this.settle(key, name, first, first.capture)
    if (first.capture.leaves) {
      const before = this.leftTensors.has(key)
      this.leftTensors.add(key)
      return this.settle(key, name, first, before ? 'it keeps tensors that it made' : undefined)
    }
    first.undo()
    const second = this.capture(inputs)
    const difference = typeof second.capture === 'string' ? second.capture : differenceOf(first.capture, second.capture)
    if (difference) return this.settle(key, name, second, `it does not do the same each time: ${difference}`)
    second.undo()
    try {
      const result = this.recordAndRun(key, first.capture, inputs)
      this.counts.replays++
      return result
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      this.refuse(key, name, `TensorFlow does not run it as a graph: ${error.message}`)
      this.counts.plainRuns++
      return runPlain(this.step, inputs)
    }
  }

  /** The first run of a recording, which is kept where that succeeds. */
  private recordAndRun(key: string, capture: Capture, inputs: unknown): RunResult {
    const recording = new Recording(this.backend, capture)
    try {
      const result = recording.run(tensorsOf(inputs))
      this.makeRoom()
      this.recordings.set(key, recording)
      return result
    } catch (error) {
      recording.dispose()
      throw error
    }
  }

  private capture(inputs: unknown): CapturedRun {
    this.counts.captures++
    return captureRun(this.backend, this.step, inputs)
  }

  /** What was run stays, as a plain run. @param reason why later runs are plain as well */
  private settle(key: string, name: string, { result, settle }: CapturedRun, reason: string | undefined): RunResult {
    settle()
    this.counts.plainRuns++
    if (reason !== undefined) this.refuse(key, name, reason)
    return result
  }

  private refuse(key: string, name: string, reason: string): void {
    this.plain.add(key)
    this.options.refused(reason, name)
  }

  private makeRoom(): void {
    if (this.recordings.size < this.options.maxRecordings) return
    const [key, recording] = this.recordings.entries().next().value!
    this.recordings.delete(key)
    recording.dispose()
  }
}
