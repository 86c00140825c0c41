import { ATTRIBUTE, type Attribute } from './backend.js'
import { bytes, float, integer, join, message, packedFloats, packedIntegers } from './wire.js'

/** Where a value of a graph comes from: an input of the step, a tensor from outside (both by their place in the capture), or the output of a node. */
export type Source =
  | { readonly kind: 'input' | 'outside'; readonly index: number }
  | { readonly kind: 'node'; readonly index: number; readonly output: number }

/** A value that is the same in each run. */
export interface Constant {
  readonly kind: 'constant'
  /** TensorFlow's number. */
  readonly dtype: number
  readonly shape: readonly number[]
  /** Little endian. */
  readonly content: Uint8Array
}

/** A native call. */
export interface Operation {
  readonly kind: 'operation'
  readonly name: string
  readonly attributes: readonly Attribute[]
  readonly inputs: readonly Source[]
  /** Nodes that come before though none of their outputs is used: those that wrote or read the same variable. */
  readonly after: readonly number[]
}

export type GraphNode = Constant | Operation

/** A value that is given in each run. */
export interface Placeholder {
  readonly source: Source
  readonly dtype: number
  readonly shape: readonly number[]
}

/** What a SavedModel is found by in its file. */
export const TAG = 'serve'

const nodeName = ({ kind, index }: Source) => `${kind[0]}${index}`

/** The name of a value in a graph, as it is fed and fetched by. */
export const tensorName = (source: Source): string => `${nodeName(source)}:${source.kind === 'node' ? source.output : 0}`

/**
 * A SavedModel of one graph, without variables or signatures, as the bytes of its `saved_model.pb`. The messages are those of TensorFlow's
 * core/protobuf/saved_model.proto, meta_graph.proto and core/framework/graph.proto, node_def.proto, attr_value.proto, tensor.proto.
 */
export function encodeSavedModel(nodes: readonly GraphNode[], placeholders: readonly Placeholder[]): Uint8Array {
  const graph = [
    ...placeholders.map(({ source, dtype, shape }) =>
      nodeOf(nodeName(source), 'Placeholder', [], [attribute('dtype', integer(6, dtype)), attribute('shape', shapeOf(7, shape))]),
    ),
    ...nodes.map((node, index) => encodeNode(nodeName({ kind: 'node', index, output: 0 }), node)),
    message(4, integer(1, PRODUCER)),
  ]
  const metaInfo = message(1, bytes(4, TAG))
  return join([integer(1, 1), message(2, metaInfo, message(2, ...graph))])
}

/** Version of graphs in TensorFlow 2.9 (2022), the oldest that tfjs-node 4.22 is built with: operations that are older than this are refused where they were replaced. */
const PRODUCER = 1087

function encodeNode(name: string, node: GraphNode): Uint8Array {
  if (node.kind === 'constant') {
    const { dtype, shape, content } = node
    // What is not given is zero.
    const values = content.every((byte) => byte === 0) ? [] : [bytes(4, content)]
    const tensor = message(8, integer(1, dtype), shapeOf(2, shape), ...values)
    return nodeOf(name, 'Const', [], [attribute('dtype', integer(6, dtype)), attribute('value', tensor)])
  }
  const inputs = [...node.inputs.map(tensorName), ...node.after.map((index) => `^${nodeName({ kind: 'node', index, output: 0 })}`)]
  return nodeOf(
    name,
    node.name,
    inputs,
    node.attributes.map((each) => attribute(each.name, attributeValue(each))),
  )
}

const nodeOf = (name: string, operation: string, inputs: readonly string[], attributes: readonly Uint8Array[]) =>
  message(1, bytes(1, name), bytes(2, operation), ...inputs.map((input) => bytes(3, input)), ...attributes)

/** An entry of a map. */
const attribute = (name: string, value: Uint8Array) => message(5, bytes(1, name), message(2, value))

const shapeOf = (field: number, shape: readonly number[]) => message(field, ...shape.map((length) => message(2, integer(1, length))))

function attributeValue({ name, type, value }: Attribute): Uint8Array {
  const list = Array.isArray(value) ? (value as readonly number[]) : undefined
  switch (type) {
    case ATTRIBUTE.string:
      return bytes(2, value as string)
    case ATTRIBUTE.int:
      return list ? message(1, packedIntegers(3, list)) : integer(3, value as number)
    case ATTRIBUTE.float:
      return list ? message(1, packedFloats(4, list)) : float(4, value as number)
    case ATTRIBUTE.bool:
      return list ? message(1, packedIntegers(5, list.map(Number))) : integer(5, Number(value))
    case ATTRIBUTE.type:
      return integer(6, value as number)
    case ATTRIBUTE.shape:
      return shapeOf(7, list!)
    default:
      throw new Error(`compileStep: the attribute '${name}' has a type that graphs cannot have, ${type}`)
  }
}
