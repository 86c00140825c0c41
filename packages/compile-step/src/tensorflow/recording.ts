import type * as fs from 'node:fs'
import type * as os from 'node:os'
import type * as path from 'node:path'
import { type DataId, engine, type Tensor, type TensorInfo, tidy } from '@tensorflow/tfjs-core'
import type { RunResult } from '../plain.js'
import { Refusal } from '../refusal.js'
import { mapTensors } from '../tree.js'
import type { Binding, TensorFlowBackend } from './backend.js'
import type { Capture } from './capture.js'
import { encodeSavedModel, type Placeholder, type Source, TAG, tensorName } from './graph.js'
import type { Outside } from './recorder.js'

/** A step as a graph of TensorFlow. It is given inputs, variables and other tensors from outside as they are, without copying them, and gives outputs and what variables get. */
export class Recording {
  private readonly model: number
  private readonly placeholders: readonly Placeholder[]
  private readonly fed: string
  /** Names of what is computed, in the order in which it is fetched. */
  private readonly fetched: readonly string[]

  /** @throws a {@link Refusal} where TensorFlow refuses the graph, or it cannot be written */
  constructor(
    private readonly backend: TensorFlowBackend,
    private readonly step: Capture,
  ) {
    this.placeholders = placeholdersOf(step)
    this.fed = this.placeholders.map(({ source }) => tensorName(source)).join()
    const wanted = [...step.outputs, ...step.assigned].map(({ source }) => source).filter(({ kind }) => kind === 'node')
    this.fetched = [...new Set(wanted.map(tensorName))]
    this.model = orRefusal(() => loadGraph(backend.binding, encodeSavedModel(step.nodes, this.placeholders)))
  }

  /**
   * @param given the inputs' tensors
   * @throws a {@link Refusal} where TensorFlow fails to run the graph; another error where a variable or another tensor from outside was disposed
   */
  run(given: readonly Tensor[]): RunResult {
    const { outputs, assigned, result } = this.step
    const tensors = tidy(() => {
      const computed = this.compute(given)
      const dataOf = (source: Source): DataId =>
        source.kind === 'node' ? computed.get(tensorName(source))!.dataId : this.tensorOf(source, given).dataId
      // All before the first assignment, which may take away what another one needs.
      const values = assigned.map(({ variable, source }) =>
        this.share({ dataId: dataOf(source), shape: variable.shape, dtype: variable.dtype }),
      )
      const made = outputs.map(({ source, shape, dtype }) => this.share({ dataId: dataOf(source), shape, dtype }))
      for (const [i, { variable }] of assigned.entries()) variable.assign(values[i]!)
      return made
    })
    let next = 0
    return { tensors, result: mapTensors(result, () => tensors[next++]) }
  }

  dispose(): void {
    this.backend.binding.deleteSavedModel(this.model)
  }

  /** What the graph gives, by name; to be disposed. */
  private compute(given: readonly Tensor[]): Map<string, Tensor> {
    if (this.fetched.length === 0) return new Map()
    const { backend, placeholders, fetched } = this
    const ids = backend.getInputTensorIds(placeholders.map(({ source }) => this.tensorOf(source, given)))
    const made = orRefusal(() => backend.binding.runSavedModel(this.model, ids, this.fed, fetched.join()))
    return new Map(made.map((native, i) => [fetched[i]!, backend.createOutputTensor(native)]))
  }

  /** What is fed for an input or a tensor from outside. */
  private tensorOf({ kind, index }: Source, given: readonly Tensor[]): TensorInfo {
    return kind === 'input' ? given[index]! : currentOf(this.backend, this.step.outside[index]!)
  }

  private share(info: TensorInfo): Tensor {
    this.backend.incRef(info.dataId)
    return engine().makeTensorFromTensorInfo(info, this.backend)
  }
}

/** Of the inputs and tensors from outside that operations use. */
function placeholdersOf({ nodes, inputs, outside }: Capture): Placeholder[] {
  const used = new Map<string, Source>()
  for (const node of nodes) {
    if (node.kind === 'constant') continue
    for (const source of node.inputs) if (source.kind !== 'node') used.set(tensorName(source), source)
  }
  return Array.from(used.values(), (source) => {
    const { dtype, shape } = (source.kind === 'input' ? inputs : outside)[source.index]!
    return { source, dtype, shape }
  })
}

function currentOf(backend: TensorFlowBackend, { variable, dataId }: Outside): TensorInfo {
  if (variable?.isDisposed)
    throw new Error(`compileStep: the variable '${variable.name}' was disposed since the step was recorded. ${COMPILE_ANEW}`)
  if (variable) return variable
  if (!backend.tensorMap.has(dataId))
    throw new Error(`compileStep: a tensor from outside that the step uses was disposed since the step was recorded. ${COMPILE_ANEW}`)
  return { dataId, shape: [], dtype: 'float32' }
}

/** What TensorFlow does. @throws its error as a {@link Refusal}, by its first line */
function orRefusal<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new Refusal((error as Error).message.split('\n', 1)[0], { cause: error })
  }
}

const COMPILE_ANEW = 'Dispose the compiled step and compile it anew'

type Builtins = { 'node:fs': typeof fs; 'node:os': typeof os; 'node:path': typeof path }

/** A module of Node's own, without an import statement, which bundlers for browsers would refuse. */
const builtin = <Name extends keyof Builtins>(name: Name): Builtins[Name] => process.getBuiltinModule(name) as unknown as Builtins[Name]

/**
 * Loads a SavedModel by a folder that is there for this call only.
 *
 * @returns its number, for `runSavedModel` and `deleteSavedModel`
 * @throws where TensorFlow refuses the graph or nothing can be written to the folder for temporary files
 */
function loadGraph(binding: Binding, savedModel: Uint8Array): number {
  const { mkdtempSync, rmSync, writeFileSync } = builtin('node:fs')
  const { join } = builtin('node:path')
  const folder = mkdtempSync(join(builtin('node:os').tmpdir(), 'learngene-step-'))
  try {
    writeFileSync(join(folder, 'saved_model.pb'), savedModel)
    return binding.loadSavedModel(folder, TAG)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
