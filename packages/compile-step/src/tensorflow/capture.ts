import { clone, type DataId, dispose, engine, type Tensor, type Variable } from '@tensorflow/tfjs-core'
import { whileCapturing } from '../capturing.js'
import { patch } from '../patch.js'
import { type RunResult, runPlain } from '../plain.js'
import { mapTensors, tensorsOf } from '../tree.js'
import { ATTRIBUTE, type TensorFlowBackend } from './backend.js'
import type { GraphNode, Placeholder, Source } from './graph.js'
import { createRecorder, type Outside } from './recorder.js'

/** All native calls of one run of a step, and what became of their results. */
export interface Capture {
  readonly nodes: readonly GraphNode[]
  /** In the order of the inputs' tensors. */
  readonly inputs: readonly Omit<Placeholder, 'source'>[]
  readonly outside: readonly Outside[]
  readonly outputs: readonly Output[]
  /** Variables that the step has assigned to, and what they got last. */
  readonly assigned: readonly { readonly variable: Variable; readonly source: Source }[]
  /** What the function returned; its tensors stand for the outputs. */
  readonly result: unknown
  /** Whether tensors that the step computed outlive it, besides outputs and variables. */
  readonly leaves: boolean
}

export interface Output {
  readonly source: Source
  readonly shape: number[]
  readonly dtype: Tensor['dtype']
}

export interface CapturedRun {
  readonly result: RunResult
  /** Makes the run undone: frees its results and gives variables the values back that they had. To be called, or `settle`. */
  undo(): void
  /** Leaves everything as the run has left it. */
  settle(): void
  /** Or why there is none. */
  readonly capture: Capture | string
}

/**
 * Runs a step as it stands and notes its native calls. Variables whose data others share get data of their own, which copies nothing.
 *
 * @throws what the function throws
 */
export function captureRun(backend: TensorFlowBackend, run: (inputs: unknown) => unknown, inputs: unknown): CapturedRun {
  const variables = Object.values(engine().registeredVariables).filter(({ dataId }) => backend.tensorMap.has(dataId))
  for (const variable of variables) separate(backend, variable)
  const held = new Map<DataId, Variable>(variables.map((variable) => [variable.dataId, variable]))
  const before = variables.map((variable) => clone(variable))
  const standIns = tensorsOf(inputs).map((tensor) => same(backend, tensor))
  const placed = standIns.map(({ dataId }) => backend.tensorMap.get(dataId))
  const recorder = createRecorder(backend, held, placed)
  const restore = patch<TensorFlowBackend>(backend, recorder.members)
  try {
    let next = 0
    const own = mapTensors(inputs, () => standIns[next++])
    const result = whileCapturing(backend, () => runPlain(run, own))
    const outputs = result.tensors.map(({ dataId, shape, dtype }) => ({ source: recorder.sourceOf(dataId), shape, dtype }))
    if (variables.some(({ isDisposed }) => isDisposed)) recorder.refuse('it disposes variables')
    const moved = [...held].filter(([dataId, variable]) => !variable.isDisposed && variable.dataId !== dataId)
    const assigned = moved.map(([, variable]) => ({ variable, source: recorder.sourceOf(variable.dataId) }))
    const staying = new Set(
      [...result.tensors, ...assigned.map(({ variable }) => variable)].map(({ dataId }) => backend.tensorMap.get(dataId).id),
    )
    const { nodes, outside, reason, alive } = recorder
    const capture: Capture = {
      nodes,
      inputs: placed.map(({ dtype, shape }) => ({ dtype, shape: [...shape] })),
      outside,
      outputs,
      assigned,
      result: result.result,
      leaves: [...alive].some((id) => !staying.has(id)),
    }
    return {
      result,
      capture: reason ?? capture,
      settle: () => dispose(before),
      undo() {
        for (const [i, variable] of variables.entries()) {
          if (!variable.isDisposed && variable.dataId !== before[i]!.dataId) variable.assign(before[i]!)
        }
        dispose([...result.tensors, ...before])
      },
    }
  } catch (error) {
    dispose(before)
    throw error
  } finally {
    restore()
    dispose(standIns)
  }
}

/** A tensor of its own with the same values, which are not copied. */
function same(backend: TensorFlowBackend, { dataId, shape, dtype }: Tensor): Tensor {
  const type = backend.tensorMap.get(dataId).dtype
  return backend.executeSingleOutput('Identity', [{ name: 'T', type: ATTRIBUTE.type, value: type }], [{ dataId, shape, dtype }])
}

function separate(backend: TensorFlowBackend, variable: Variable): void {
  if (backend.refCount(variable.dataId) === 1) return
  const own = same(backend, variable)
  variable.assign(own)
  own.dispose()
}
