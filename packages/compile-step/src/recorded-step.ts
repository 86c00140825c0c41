import type { Tensor } from '@tensorflow/tfjs-core'
import type { RunResult } from './plain.js'
import type { StepStats } from './stats.js'
import type { CompileProgress } from './webgpu/compile-ahead.js'

/** What makes two runs the same computation: the caller's key, and the form of the inputs. */
export interface RecordingKey {
  readonly key: string
  readonly signature: string
}

export interface RecordingOptions {
  /** bytes */
  readonly memoryLimit: number
  readonly maxRecordings: number
  /** Nothing is recorded: what is captured runs this one time. */
  readonly once: boolean
  /** Hears why something runs plainly. */
  readonly refused: (reason: string, key: string) => void
}

/** A step with its recordings on one backend that can record. */
export interface RecordedStep {
  readonly stats: StepStats
  run(inputs: unknown, of: RecordingKey): RunResult
  prepare(inputs: unknown, of: RecordingKey, onProgress: CompileProgress): Promise<void>
  /** Frees the outputs of the last run, before anything else runs. */
  end(outputs: readonly Tensor[]): void
  /** Frees all recordings, after the last run's outputs. */
  dispose(): void
}
