import { useBackend } from '@learngene/backends'
import { requireMixed, setOps, setPrecision } from '@learngene/ops'
import { alone, type Group } from '@learngene/training'
import { enableProdMode, engine } from '@tensorflow/tfjs-core'
import { type GpuMeter, type Memory, meterGpu, peakMemory } from './meters.js'
import { ownWork } from './own-work.js'
import { stockWork } from './stock/work.js'
import type { Assignment, Work } from './task.js'

/** What one step asks of a GPU. */
export type StepCommands = Pick<GpuMeter, 'dispatches' | 'uploads' | 'newBuffers'>

/** Some steps in a row. */
export interface Turn {
  /** Milliseconds of each timed step. */
  readonly ms: readonly number[]
  /** So far. */
  readonly memory: Memory | null
  /** Of the last step; null on backends that do not tell. */
  readonly commands: StepCommands | null
}

/** One formulation of a piece of work, ready to run. */
export interface Participant {
  /** Runs `leadIn` steps that do not count, then `steps` steps that do. */
  turn(steps: number, leadIn: number): Promise<Turn>
}

/**
 * Starts the backend in this process, thread or page and builds the work. Formulations must not share one: our kernels stay registered
 * once they are in use, and stock TensorFlow.js would run on them.
 */
export async function startParticipant(assignment: Assignment, group: Group = alone): Promise<Participant> {
  const { backend, formulation, ops = 'auto', precision, wasmPaths } = assignment
  enableProdMode()
  await useBackend(backend, { wasmPaths })
  const gpu = backend === 'webgpu' ? meterBackend() : undefined
  if (formulation === 'ours') setOps(ops)
  if (formulation === 'ours' && precision === 'mixed') {
    requireMixed('bench')
    setPrecision('mixed')
  }
  const work = await works[formulation](assignment, group)
  const recording = backend === 'tensorflow' && formulation === 'ours' ? RECORDING_STEPS : 0
  return { turn: (steps, leadIn) => takeTurn(work, steps, Math.max(leadIn, recording), gpu) }
}

/** Steps of a turn before one takes what all others do: one in which the graph is made, which takes seconds, and one that finds its memory. */
const RECORDING_STEPS = 2

const works: { readonly [formulation in Assignment['formulation']]: (assignment: Assignment, group: Group) => Work | Promise<Work> } = {
  ours: ownWork,
  stock: stockWork,
  // A page that times the others does without the exporter.
  onnx: async (assignment) => (await import('./onnx-work.js')).onnxWork(assignment),
}

function meterBackend(): GpuMeter {
  const { device, queue } = engine().backend as unknown as { device: GPUDevice; queue: GPUQueue }
  return meterGpu(device, queue)
}

/** @param gpu counts what the steps ask of the GPU */
export async function takeTurn(work: Work, steps: number, leadIn: number, gpu?: GpuMeter): Promise<Turn> {
  const ms: number[] = []
  let last = gpu && { ...gpu }
  let commands: StepCommands | null = null
  let done = 0
  let before = performance.now()
  await work.run(leadIn + steps, () => {
    const now = performance.now()
    if (done++ >= leadIn) ms.push(now - before)
    // A training reads losses some steps late: the last of them come when all steps have been given to the GPU.
    if (gpu && last && gpu.dispatches > last.dispatches) {
      commands = {
        dispatches: gpu.dispatches - last.dispatches,
        uploads: gpu.uploads - last.uploads,
        newBuffers: gpu.newBuffers - last.newBuffers,
      }
      last = { ...gpu }
    }
    before = now
  })
  return { ms, memory: peakMemory(gpu), commands }
}
