import type { BackendName } from '@learngene/backends'
import { type Measured, median, type Spread, spreadOf } from './compare.js'
import type { Memory } from './meters.js'
import type { What } from './task.js'

/** One line of a benchmark. Times are in milliseconds per step; null is what was not measured. */
export interface BenchResult {
  readonly backend: BackendName
  readonly what: What
  readonly model: string
  /** Images per step, over all workers. */
  readonly batch: number
  /** Threads that train together. */
  readonly workers: number
  readonly msMedian: number | null
  readonly spread: Spread | null
  readonly imagesPerSecond: number | null
  /** Timed steps. */
  readonly steps: number
  /** Stock TensorFlow.js on the same backend, one worker. */
  readonly baselineMsMedian: number | null
  readonly baselineSpread: Spread | null
  /** baselineMsMedian / msMedian. */
  readonly speedup: number | null
  readonly pytorchMsMedian: number | null
  readonly pytorchSpread: Spread | null
  /** pytorchMsMedian / msMedian: above 1 where we are faster. */
  readonly pytorchRatio: number | null
  /** What PyTorch ran on: `cpu, 2 threads`. */
  readonly pytorchDevice: string | null
  /** Our ONNX model in onnxruntime-web, on one thread of wasm. */
  readonly onnxMsMedian: number | null
  readonly onnxSpread: Spread | null
  /** onnxMsMedian / msMedian: above 1 where we are faster. */
  readonly onnxRatio: number | null
  readonly peakMemoryBytes: number | null
  /** Whose peak it is: GPU buffers, the whole process, wasm's linear memory, tensors. */
  readonly memoryOf: Memory['of'] | null
  readonly baselinePeakMemoryBytes: number | null
  readonly pytorchPeakMemoryBytes: number | null
  /** Of one step on webgpu. */
  readonly dispatches: number | null
  readonly uploads: number | null
  readonly newBuffers: number | null
  readonly baselineDispatches: number | null
  readonly device: string | null
  readonly version: string | null
  readonly features: readonly string[]
  /** What is timed besides the model itself; which of those compared failed, and why. */
  readonly note: string | null
  /** Why there is no time. */
  readonly error: string | null
}

/** What a benchmark ran on. */
export interface Machine {
  readonly cpu: string | null
  readonly cores: number
  readonly memoryBytes: number | null
  readonly os: string
  /** The JavaScript engine: `node v20.20.2`, or the browser's user agent. */
  readonly engine: string
  readonly date: string
}

export interface Benchmark {
  readonly machine: Machine
  readonly results: readonly BenchResult[]
}

/** What a line is known by before anything ran. */
export type ResultHead = Pick<
  BenchResult,
  'backend' | 'what' | 'model' | 'batch' | 'workers' | 'device' | 'version' | 'features' | 'note' | 'pytorchDevice'
>

/** A line without times. */
export function failedResult(head: ResultHead, error: string): BenchResult {
  return { ...toResult(head, new Error(error)), pytorchDevice: null }
}

/** Others that did the same work in turns, where they took part. */
export interface Others {
  readonly stock?: Measured | Error | undefined
  readonly pytorch?: Measured | Error | undefined
  readonly onnx?: Measured | Error | undefined
}

export function toResult(head: ResultHead, ours: Measured | Error, { stock, pytorch, onnx }: Others = {}): BenchResult {
  const measured = (outcome?: Measured | Error) => (outcome instanceof Error ? undefined : outcome)
  const [own, baseline, peer, runtime] = [measured(ours), measured(stock), measured(pytorch), measured(onnx)]
  const mid = (outcome?: Measured) => (outcome ? median(outcome.ms) : null)
  const spread = (outcome?: Measured) => (outcome ? spreadOf(outcome.ms) : null)
  const ratio = (theirs?: Measured) => (theirs && own ? median(theirs.ms) / median(own.ms) : null)
  const failures = [
    ['stock', stock],
    ['PyTorch', pytorch],
    ['ONNX', onnx],
  ].flatMap(([name, outcome]) => (outcome instanceof Error ? [`${name} failed: ${outcome.message}`] : []))
  return {
    ...head,
    msMedian: mid(own),
    spread: spread(own),
    imagesPerSecond: own ? (1000 * head.batch) / median(own.ms) : null,
    steps: own?.ms.length ?? 0,
    baselineMsMedian: mid(baseline),
    baselineSpread: spread(baseline),
    speedup: ratio(baseline),
    pytorchMsMedian: mid(peer),
    pytorchSpread: spread(peer),
    pytorchRatio: ratio(peer),
    pytorchDevice: peer ? head.pytorchDevice : null,
    onnxMsMedian: mid(runtime),
    onnxSpread: spread(runtime),
    onnxRatio: ratio(runtime),
    peakMemoryBytes: own?.memory?.bytes ?? null,
    memoryOf: own?.memory?.of ?? null,
    baselinePeakMemoryBytes: baseline?.memory?.bytes ?? null,
    pytorchPeakMemoryBytes: peer?.memory?.bytes ?? null,
    dispatches: own?.commands?.dispatches ?? null,
    uploads: own?.commands?.uploads ?? null,
    newBuffers: own?.commands?.newBuffers ?? null,
    baselineDispatches: baseline?.commands?.dispatches ?? null,
    note: [head.note, ...failures].filter((text) => text !== null).join('; ') || null,
    error: ours instanceof Error ? ours.message : null,
  }
}
