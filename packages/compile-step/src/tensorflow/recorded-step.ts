import { dispose, type Tensor } from '@tensorflow/tfjs-core'
import { type RunResult, runPlain } from '../plain.js'
import type { RecordedStep, RecordingKey, RecordingOptions } from '../recorded-step.js'
import { NO_STATS, type StepStats } from '../stats.js'
import { tensorsOf } from '../tree.js'
import type { TensorFlowBackend } from './backend.js'
import { type Capture, captureRun } from './capture.js'
import { Recording } from './recording.js'
import { differenceOf } from './same-capture.js'

/**
 * A step on one TensorFlow backend with its recordings, the least recently used first. The first two runs of a key are executed call by call; where both did the
 * same they become a graph for all later ones.
 */
export class TensorFlowStep implements RecordedStep {
  private readonly recordings = new Map<string, Recording>()
  /** First runs, which a second one has to equal. */
  private readonly first = new Map<string, Capture>()
  private readonly plain = new Set<string>()
  /** Keys whose step left tensors behind the first time, as one that fills a cache does. */
  private readonly leftTensors = new Set<string>()
  private readonly counts = { captures: 0, replays: 0, plainRuns: 0 }

  constructor(
    readonly backend: TensorFlowBackend,
    private readonly step: (inputs: unknown) => unknown,
    private readonly options: RecordingOptions,
  ) {}

  run(inputs: unknown, of: RecordingKey, previous: readonly Tensor[]): RunResult {
    dispose([...previous])
    const key = `${of.key} ${of.signature}`
    const recording = this.recordings.get(key)
    if (recording) {
      this.counts.replays++
      this.recordings.delete(key)
      this.recordings.set(key, recording)
      return recording.run(tensorsOf(inputs))
    }
    if (this.plain.has(key)) {
      this.counts.plainRuns++
      return runPlain(this.step, inputs)
    }
    this.counts.captures++
    const { capture, result } = captureRun(this.backend, this.step, inputs)
    const reason = typeof capture === 'string' ? capture : this.take(key, capture)
    if (reason !== undefined) {
      this.plain.add(key)
      this.options.refused(reason, of.key)
    }
    return result
  }

  /** There is nothing to prepare: the first run is executed while it is recorded. */
  async prepare(): Promise<void> {}

  get stats(): StepStats {
    return { ...NO_STATS, recordings: this.recordings.size, ...this.counts }
  }

  dispose(previous: readonly Tensor[]): void {
    dispose([...previous])
    for (const recording of this.recordings.values()) recording.dispose()
    this.recordings.clear()
    this.first.clear()
  }

  /** Makes the second of two equal captures a recording. @returns why that cannot be */
  private take(key: string, capture: Capture): string | undefined {
    if (capture.leaves) {
      if (this.leftTensors.has(key)) return 'it keeps tensors that it made'
      this.leftTensors.add(key)
      return undefined
    }
    const before = this.first.get(key)
    if (!before) {
      makeRoom(this.first, this.options.maxRecordings)
      this.first.set(key, capture)
      return undefined
    }
    this.first.delete(key)
    const difference = differenceOf(before, capture)
    if (difference) return `it does not do the same each time: ${difference}`
    makeRoom(this.recordings, this.options.maxRecordings)?.dispose()
    try {
      this.recordings.set(key, new Recording(this.backend, capture))
      return undefined
    } catch (error) {
      return `TensorFlow does not take it as a graph: ${(error as Error).message}`
    }
  }
}

/** Removes the entry that was there longest where the map is full. */
function makeRoom<Value>(map: Map<string, Value>, most: number): Value | undefined {
  if (map.size < most) return undefined
  const [key, value] = map.entries().next().value!
  map.delete(key)
  return value
}
