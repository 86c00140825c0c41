import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import type { BackendDescription, BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import type { OpsMode } from '@learngene/ops'
import type { TrainingPrecision } from '@learngene/training'
import { compare, type Measured } from '../compare.js'
import type { BenchModel } from '../models.js'
import { noteOf } from '../plan.js'
import { type Benchmark, type BenchResult, failedResult, type Machine, type ResultHead, toResult } from '../results.js'
import type { Assignment, Task, What } from '../task.js'
import { openChild, type RemoteParticipant, startChild, startPyTorch } from './children.js'

export interface BenchOptions {
  /** Default all but `cpu`, which takes minutes, and but webgpu on a software adapter. */
  readonly backends?: readonly BackendName[]
  readonly model: BenchModel
  /** Images per step, over all workers; default the model's. */
  readonly batch?: number
  readonly what: readonly What[]
  /** Also times stock TensorFlow.js, in turns. */
  readonly baseline?: boolean
  /** Also times our ONNX model in onnxruntime-web, in turns: inference on wasm alone. */
  readonly onnx?: boolean
  /** A Python that has PyTorch: also times that, in turns, on as many threads. */
  readonly python?: string
  /** Numbers of data-parallel threads on wasm, a line for each; default 1. The batch must divide by them. */
  readonly workers?: readonly number[]
  /** Default true. */
  readonly relaxedSimd?: boolean
  readonly ops?: OpsMode
  /** `mixed` times our formulation with float16 products; a backend without is a line with the reason. */
  readonly precision?: TrainingPrecision
  /** Timed steps; default by their time. */
  readonly steps?: number
  /** The longest that one participant may compute, in seconds; default 600. */
  readonly timeout?: number
  readonly report?: Reporter
  readonly signal?: AbortSignal
}

const DEFAULT_BACKENDS: readonly BackendName[] = ['tensorflow-gpu', 'webgpu', 'tensorflow', 'wasm']

/**
 * Times every piece of work on every backend. Each formulation runs in a fresh process, and those of one backend and work take turns. One that is
 * not available, crashes or takes too long is a line with its reason.
 *
 * @throws the signal's reason
 */
export async function runBenchmark(options: BenchOptions): Promise<Benchmark> {
  const { backends = DEFAULT_BACKENDS, model, what, report = () => {}, signal } = options
  report({ kind: 'stage', name: 'look for backends' })
  const descriptions = await describe(options)
  const results: BenchResult[] = []
  for (const backend of backends) {
    const description = descriptions.find(({ name }) => name === backend)
    for (const kind of what) {
      report({ kind: 'stage', name: `${backend}: ${kind} of ${model.name}` })
      results.push(...(await benchmarkBackend(options, backend, kind, description)))
      signal?.throwIfAborted()
    }
  }
  return { machine: describeMachine(), results }
}

/** Backends as a process of its own sees them: none where it crashes, and then every backend's own attempt tells. */
async function describe({ signal }: BenchOptions): Promise<readonly BackendDescription[]> {
  const child = openChild({ timeoutMs: 120_000, signal })
  try {
    return (await child.ask<{ backends: BackendDescription[] }>({ kind: 'describe' })).backends
  } catch {
    signal?.throwIfAborted()
    return []
  } finally {
    child.end()
  }
}

/** Why a backend is not timed, or undefined. */
function reasonNotTo({ backends }: BenchOptions, description?: BackendDescription): string | undefined {
  if (!description?.available) return description?.reason ?? undefined
  const software = description.device?.endsWith('(software)')
  return software && backends === undefined
    ? `its adapter computes on the CPU (${description.device}); name the backend to time it`
    : undefined
}

async function benchmarkBackend(
  options: BenchOptions,
  backend: BackendName,
  what: What,
  description?: BackendDescription,
): Promise<BenchResult[]> {
  const { model, ops, precision, baseline, onnx, python, relaxedSimd = true, steps, timeout = 600, report, signal } = options
  const task: Task = { what, model: model.config, batch: options.batch ?? model.batch }
  const workers = backend === 'wasm' ? (options.workers ?? [1]) : [1]
  const head = (count: number): ResultHead => ({
    backend,
    what,
    model: model.name,
    batch: task.batch,
    workers: count,
    device: description?.device ?? null,
    version: description?.version ?? null,
    features: description?.features ?? [],
    note: noteOf(what, model.config),
    pytorchDevice: null,
  })
  const reason = reasonNotTo(options, description)
  if (reason !== undefined) return [failedResult(head(1), reason)]

  const started: RemoteParticipant[] = []
  const simd = new Map<number, boolean>()
  const devices = new Map<number, string>()
  const common = { timeoutMs: 1000 * timeout, signal }
  const own = async (count: number) => {
    const assignment: Assignment = { ...task, backend, formulation: 'ours', ops, precision }
    const participant = await startChild(assignment, { ...common, workers: count, relaxedSimd })
    simd.set(count, participant.relaxedSimd)
    started.push(participant)
    return participant
  }
  const other = (formulation: 'stock' | 'onnx') => async () => {
    const participant = await startChild({ ...task, backend, formulation }, { ...common, workers: 1, relaxedSimd })
    started.push(participant)
    return participant
  }
  const peer = async (count: number) => {
    const threads = threadsOf(backend, count)
    const device = isGpu(backend) ? 'auto' : 'cpu'
    const participant = await startPyTorch({ ...task, precision }, { ...common, python: python!, threads, device })
    devices.set(count, participant.device)
    started.push(participant)
    return participant
  }
  try {
    const outcome = await compare(
      {
        ...Object.fromEntries(workers.map((count) => [`ours ${count}`, () => own(count)])),
        ...(baseline && { stock: other('stock') }),
        ...(onnx && backend === 'wasm' && (what === 'forward' || what === 'stitch') && { onnx: other('onnx') }),
        ...(python !== undefined && Object.fromEntries(workers.map((count) => [`pytorch ${count}`, () => peer(count)]))),
      },
      {
        steps,
        onTurn(_name, done, total) {
          signal?.throwIfAborted()
          report?.({ kind: 'progress', done, total })
        },
      },
    )
    return workers.map((count) => {
      const { features, ...rest } = head(count)
      const relaxed = simd.get(count)
      const seen = backend === 'wasm' && relaxed !== undefined ? [...features, relaxed ? 'relaxed simd' : 'plain simd'] : features
      const found: { readonly [name: string]: Measured | Error | undefined } = outcome
      const at = { ...rest, features: seen, pytorchDevice: devices.get(count) ?? null }
      return toResult(at, found[`ours ${count}`]!, { stock: found.stock, pytorch: found[`pytorch ${count}`], onnx: found.onnx })
    })
  } finally {
    for (const participant of started) participant.end()
  }
}

const isGpu = (backend: BackendName) => backend === 'webgpu' || backend === 'tensorflow-gpu'

/** As many as the backend computes on: wasm on one per worker, cpu on one. */
const threadsOf = (backend: BackendName, workers: number) => (backend === 'wasm' || backend === 'cpu' ? workers : availableParallelism())

function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? null,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    os: `${type()} ${release()} ${process.arch}`,
    engine: `node ${process.version}`,
    date: new Date().toISOString(),
  }
}
