import { add, clone, dispose, engine, getBackend, type Tensor } from '@tensorflow/tfjs-core'
import { isCapturing } from './capturing.js'
import { type RunResult, runPlain } from './plain.js'
import type { RecordedStep, RecordingOptions } from './recorded-step.js'
import { NO_STATS, type StepStats } from './stats.js'
import type { TensorFlowBackend } from './tensorflow/backend.js'
import { TensorFlowStep } from './tensorflow/recorded-step.js'
import { mapTensors, signatureOf, tensorsOf } from './tree.js'
import type { WebGPUBackend } from './webgpu/backend.js'
import type { CompileProgress } from './webgpu/compile-ahead.js'
import { WebGPUStep } from './webgpu/recorded-step.js'

export interface CompileStepOptions {
  /** On webgpu: most bytes of GPU memory for all recordings; those used least recently are dropped for new ones. Default: no limit. */
  readonly memoryLimit?: number
  /** Most recordings; those used least recently are dropped for new ones. Default 256. */
  readonly maxRecordings?: number
  /** Hears, once for each reason, why runs of a key are not recorded. Default: a warning on the console. */
  readonly onFallback?: (reason: string, key: string) => void
}

/** A step that runs by replay where it can. */
export interface CompiledStep<Inputs, Outputs> {
  /**
   * Runs the step. Its outputs belong to the compiled step: they are valid until the next run or `dispose`, which free them; freeing them earlier
   * is allowed. The inputs remain the caller's.
   *
   * @param inputs tensors, plain values, or objects and arrays of these
   * @param key names the computation: all that the function depends on besides its inputs and the values of tensors. Inputs of other shapes, types
   * or plain values count as another computation by themselves
   * @throws when a variable or another tensor from outside was disposed or, on webgpu, assigned a value since the step was recorded, and what the function throws
   */
  run(inputs: Inputs, key?: string): Outputs
  /**
   * Captures the step for the next run with such inputs and this key, while the GPU programs that are new to the backend are compiled, all at the same
   * time and without holding up the thread. Does nothing where there is a recording, and on other backends. Nothing that the step uses may change until that run.
   *
   * @param onProgress hears how many programs are compiled, of how many
   */
  prepare(inputs: Inputs, key?: string, onProgress?: CompileProgress): Promise<void>
  /** Of the current backend; plain runs also those on backends that do not record. */
  stats(): StepStats
  /** Frees the outputs and the recordings on all backends on which the step ran. */
  dispose(): void
}

/**
 * Makes a step that is recorded once and replayed from then on. On the WebGPU backend the first run of a key calls the function twice
 * without executing its commands, compares the two, plans the memory by lifetimes and replays; later runs call the function no more. What cannot be recorded (reading
 * tensors, randomness from the host, textures) runs plainly, as everything does on other backends. On tensorflow, where it computes on the CPU, both calls are executed and made undone, and the
 * native calls become one graph of TensorFlow, which this run and all later ones run; it has plain runs' results to rounding.
 *
 * The function must be synchronous and must change nothing on the host. Assigning to variables is recorded as well.
 */
export function compileStep<Inputs, Outputs>(
  step: (inputs: Inputs) => Outputs,
  options: CompileStepOptions = {},
): CompiledStep<Inputs, Outputs> {
  const { memoryLimit = Number.POSITIVE_INFINITY, maxRecordings = 256, onFallback = warn } = options
  if (!(memoryLimit > 0)) throw new Error(`compileStep: memoryLimit must be a positive number of bytes; got ${memoryLimit}`)
  if (!Number.isInteger(maxRecordings) || maxRecordings < 1) {
    throw new Error(`compileStep: maxRecordings must be an integer of at least 1; got ${maxRecordings}`)
  }
  return makeStep(step, { memoryLimit, maxRecordings, once: false }, onFallback)
}

/**
 * Runs a function once. On the WebGPU backend the GPU programs that are new to it are compiled first, all at the same time and without holding up the thread; the function
 * is called once, its commands are executed as they were noted, and nothing is recorded. What cannot be noted, and everything on other backends, runs plainly.
 *
 * The function must be synchronous and must change nothing on the host. Nothing that it uses may change until the promise is settled.
 *
 * @param inputs as of {@link CompiledStep.run}
 * @returns outputs that are the caller's
 * @throws as {@link CompiledStep.run}
 */
export async function runOnce<Inputs, Outputs>(step: (inputs: Inputs) => Outputs, inputs: Inputs): Promise<Outputs> {
  const once = makeStep(step, { memoryLimit: Number.POSITIVE_INFINITY, maxRecordings: 1, once: true }, () => {})
  try {
    await once.prepare(inputs)
    return mapTensors(once.run(inputs), (tensor) => clone(tensor)) as Outputs
  } finally {
    once.dispose()
  }
}

function makeStep<Inputs, Outputs>(
  step: (inputs: Inputs) => Outputs,
  options: Omit<RecordingOptions, 'refused'>,
  onFallback: (reason: string, key: string) => void,
): CompiledStep<Inputs, Outputs> {
  const run = step as (inputs: unknown) => unknown
  const said = new Set<string>()
  const steps = new Map<object, RecordedStep>()
  /** Of the last run, and whose they are: undefined of a run on a backend that does not record. */
  let outputs: readonly Tensor[] = []
  let owner: RecordedStep | undefined
  let plainRuns = 0

  const refused = (reason: string, key: string) => {
    if (said.has(reason)) return
    said.add(reason)
    onFallback(reason, key)
  }
  /** Undefined where the backend does not record. */
  const recordedHere = (): RecordedStep | undefined => {
    const { backend } = engine()
    const made = steps.get(backend) ?? stepOn(run, { ...options, refused })
    if (made) steps.set(backend, made)
    return made
  }
  const endOutputs = () => {
    if (owner) owner.end(outputs)
    else dispose([...outputs])
    outputs = []
  }
  const execute = (inputs: unknown, key: string): RunResult => {
    const signature = signatureOf(inputs)
    owner = recordedHere()
    if (owner) return owner.run(inputs, { key, signature })
    plainRuns++
    return runPlain(run, inputs)
  }

  return {
    run(inputs, key = '') {
      if (isCapturing(engine().backend)) return step(inputs)
      const clones = new Map(
        tensorsOf(inputs)
          .filter((tensor) => outputs.includes(tensor) || isCastInName(tensor))
          .map((tensor) => [tensor, isCastInName(tensor) ? add(tensor, 0) : clone(tensor)]),
      )
      try {
        const own = mapTensors(inputs, (tensor) => clones.get(tensor) ?? tensor)
        endOutputs()
        const { result, tensors } = execute(own, key)
        outputs = tensors
        return result as Outputs
      } finally {
        dispose([...clones.values()])
      }
    },
    async prepare(inputs, key = '', onProgress = () => {}) {
      if (isCapturing(engine().backend)) return
      await recordedHere()?.prepare(inputs, { key, signature: signatureOf(inputs) }, onProgress)
    },
    stats() {
      const here = steps.size === 0 ? NO_STATS : (steps.get(engine().backend)?.stats ?? NO_STATS)
      return { ...here, plainRuns: here.plainRuns + plainRuns }
    },
    dispose() {
      endOutputs()
      for (const each of steps.values()) each.dispose()
      steps.clear()
    },
  }
}

/** The step with recordings of the current backend. */
function stepOn(run: (inputs: unknown) => unknown, options: RecordingOptions): RecordedStep | undefined {
  const { backend } = engine()
  switch (getBackend()) {
    case 'webgpu':
      return new WebGPUStep(backend as WebGPUBackend, run, options)
    case 'tensorflow':
      // What is fed to a graph comes from the host's memory, where tensors of a graphics card are not.
      return options.once || (backend as TensorFlowBackend).isUsingGpuDevice
        ? undefined
        : new TensorFlowStep(backend as TensorFlowBackend, run, options)
    default:
      return undefined
  }
}

/** Whether the values of a tensor are stored as another type: TensorFlow.js casts integers to floats in name only, and a recording goes by the bytes. */
function isCastInName({ dataId, dtype }: Tensor): boolean {
  if (getBackend() !== 'webgpu') return false
  const { tensorMap } = engine().backend as WebGPUBackend
  return tensorMap.has(dataId) && tensorMap.get(dataId).dtype !== dtype
}

const warn = (reason: string) => console.warn(`compileStep: the step runs without a recording, because ${reason}`)
