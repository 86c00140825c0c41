import type { DataId, Variable } from '@tensorflow/tfjs-core'
import { ATTRIBUTE, type Attribute, type Binding, type HostValues, type TensorData, type TensorFlowBackend, TYPE } from './backend.js'
import type { Constant, GraphNode, Source } from './graph.js'

/** A tensor that was there before the step: what a variable holds when the step runs, or one that stays the same. */
export interface Outside {
  readonly variable: Variable | undefined
  readonly dataId: DataId
  readonly dtype: number
  readonly shape: readonly number[]
}

/** Notes native calls while they are made. */
export interface Recorder {
  readonly nodes: readonly GraphNode[]
  readonly outside: readonly Outside[]
  /** What the backend does instead. */
  readonly members: Partial<TensorFlowBackend>
  /** Why the calls are not a recording; the first reason counts. */
  readonly reason: string | undefined
  refuse(reason: string): void
  /** Where the values of a tensor come from. */
  sourceOf(dataId: DataId): Source
  /** What the step has made and nobody has freed, by TensorFlow's number; without constants that a later run would find to be constants as well. */
  readonly alive: ReadonlySet<number>
}

/**
 * A tensor from outside with at most so many values is a constant of the graph, so that TensorFlow knows axes and shapes before it runs. Tensors never change, only
 * variables do.
 */
const FEW_VALUES = 4096

/** Their output's shape depends on values, which the function's later calls have taken from the first run. */
const SHAPE_BY_VALUES = /^(Where|Unique|ListDiff|NonMaxSuppression|Sparse|Ragged|String|Decode|Bincount|DenseBincount)/

/** Operations that TensorFlow.js calls without the type of their first input, which a graph cannot do without. */
const WITHOUT_TYPE = new Set(['ExpandDims'])

const RANDOM = /^(Random|Multinomial|TruncatedNormal|ParameterizedTruncatedNormal|Stateless)/

/**
 * @param variables what they hold before the step
 * @param inputs the step's inputs
 */
export function createRecorder(
  backend: TensorFlowBackend,
  variables: ReadonlyMap<DataId, Variable>,
  inputs: readonly TensorData[],
): Recorder {
  const { binding, tensorMap } = backend
  const nodes: GraphNode[] = []
  const outside: Outside[] = []
  /** Of native tensors. */
  const places = new Map<number, Source>(inputs.map(({ id }, index) => [id, { kind: 'input', index }]))
  const types = new Map<number, number>(inputs.map(({ id, dtype }) => [id, dtype]))
  /** Equal ones are one. */
  const constants = new Map<string, Source>()
  const written = new Set<DataId>()
  const alive = new Set<number>()
  const resources = new Map<number, string>()
  const lastUse = new Map<string, number>()
  let reason: string | undefined

  const refuse = (why: string) => {
    reason ??= why
  }
  const addConstant = (dtype: number, shape: readonly number[], values: HostValues | BigInt64Array): Source => {
    if (!ArrayBuffer.isView(values)) refuse('it uses strings')
    const content = ArrayBuffer.isView(values) ? bytesOf(values) : new Uint8Array(0)
    const key = `${dtype} [${shape}] ${content.length > 4 * FEW_VALUES ? nodes.length : content}`
    const known = constants.get(key)
    if (known) return known
    const source: Source = { kind: 'node', index: nodes.push({ kind: 'constant', dtype, shape: [...shape], content }) - 1, output: 0 }
    constants.set(key, source)
    return source
  }

  /** Takes note of a tensor that was there before. */
  const admit = (dataId: DataId) => {
    if (written.has(dataId)) return
    const data = tensorMap.get(dataId)
    if (data.values !== null) {
      data.id = binding.createTensor(data.shape, data.dtype, data.values)
      data.values = null
    }
    if (places.has(data.id)) return
    const { id, dtype, shape } = data
    const variable = variables.get(dataId)
    if (dtype === TYPE.resource || dtype === TYPE.string) refuse('it uses resources or strings from outside')
    const isConstant = !variable && sizeOf(shape) <= FEW_VALUES && reason === undefined
    types.set(id, dtype)
    places.set(
      id,
      isConstant
        ? addConstant(dtype, shape, binding.tensorDataSync(id))
        : { kind: 'outside', index: outside.push({ variable, dataId, dtype, shape }) - 1 },
    )
  }

  /** Operations on one variable of TensorFlow's keep their order. */
  const orderAfter = (
    name: string,
    attributes: readonly Attribute[],
    ids: readonly number[],
    made: readonly { id: number; dtype: number }[],
  ) => {
    const used = new Set(ids.flatMap((id) => resources.get(id) ?? []))
    const after = new Set([...used].flatMap((resource) => lastUse.get(resource) ?? []))
    for (const resource of used) lastUse.set(resource, nodes.length)
    for (const { id, dtype } of made) {
      if (dtype !== TYPE.resource) continue
      const shared = attributes.find((each) => each.name === 'shared_name' && each.type === ATTRIBUTE.string)?.value
      if (name !== 'VarHandleOp' || !shared) refuse(`it uses the native operation ${name}, which makes a resource`)
      resources.set(id, String(shared))
    }
    if (made.length === 0 && used.size === 0) refuse(`it uses the native operation ${name}, which has no outputs`)
    return [...after]
  }

  const note = (name: string, attributes: readonly Attribute[], ids: readonly number[], made: readonly { id: number; dtype: number }[]) => {
    if (SHAPE_BY_VALUES.test(name)) refuse(`it uses the native operation ${name}, whose shape depends on values`)
    if (RANDOM.test(name)) refuse(`it uses the native operation ${name}, which is random`)
    const after = orderAfter(name, attributes, ids, made)
    const sources = ids.flatMap((id) => places.get(id) ?? [])
    if (sources.length < ids.length) refuse(`it gives the native operation ${name} a tensor that is none of TensorFlow.js`)
    const typed = WITHOUT_TYPE.has(name) ? [...attributes, { name: 'T', type: ATTRIBUTE.type, value: types.get(ids[0]!)! }] : attributes
    const index = nodes.push({ kind: 'operation', name, attributes: structuredClone(typed), inputs: sources, after }) - 1
    for (const [output, { id, dtype }] of made.entries()) {
      places.set(id, { kind: 'node', index, output })
      types.set(id, dtype)
    }
  }

  const calls: Partial<Binding> = {
    executeOp(name, attributes, ids, outputs) {
      const made = binding.executeOp(name, attributes, ids, outputs)
      for (const { id } of made) alive.add(id)
      if (reason === undefined) note(name, attributes, ids, made)
      return made
    },
    createTensor(shape, dtype, values) {
      const id = binding.createTensor(shape, dtype, values)
      if (sizeOf(shape) > FEW_VALUES) alive.add(id)
      types.set(id, dtype)
      if (reason === undefined) places.set(id, addConstant(dtype, shape, values))
      return id
    },
    deleteTensor(id) {
      alive.delete(id)
      binding.deleteTensor(id)
    },
  }
  // The addon's own members cannot be assigned to, and none of them is enumerable.
  const recording: Binding = Object.create(binding, Object.getOwnPropertyDescriptors(calls))

  const getInputTensorIds = backend.getInputTensorIds.bind(backend)
  const write = backend.write.bind(backend)
  const readUnnoticed = backend.readSync.bind(backend)
  const readSync = (dataId: DataId) => {
    if (!isFixed(tensorMap.get(dataId), dataId)) refuse('it reads values')
    return readUnnoticed(dataId)
  }
  return {
    nodes,
    outside,
    alive,
    get reason() {
      return reason
    },
    refuse,
    sourceOf(dataId) {
      admit(dataId)
      const { values, dtype, shape, id } = tensorMap.get(dataId)
      return (values === null ? places.get(id) : undefined) ?? addConstant(dtype, shape, values ?? binding.tensorDataSync(id))
    },
    members: {
      binding: recording,
      isRecording: true,
      write(values, shape, dtype) {
        const dataId = write(values, shape, dtype)
        written.add(dataId)
        return dataId
      },
      getInputTensorIds(tensors) {
        for (const { dataId } of tensors) if (dataId) admit(dataId)
        return getInputTensorIds(tensors)
      },
      readSync,
      read: async (dataId) => readSync(dataId),
    },
  }

  /** Whether each run of the step would read the same values. */
  function isFixed({ id, values }: TensorData, dataId: DataId): boolean {
    if (written.has(dataId)) return true
    if (variables.has(dataId)) return false
    const place = values === null ? places.get(id) : undefined
    return place === undefined || (place.kind === 'node' && nodes[place.index]!.kind === 'constant')
  }
}

const bytesOf = (values: ArrayBufferView): Constant['content'] =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice()

const sizeOf = (shape: readonly number[]) => shape.reduce((size, length) => size * length, 1)
