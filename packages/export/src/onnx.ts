import type { Block } from '@learngene/interfaces/tensors'
import { type ModelDetails, type Network, requireArguments, requireKeys, sidesOf, structureOf } from '@learngene/vit-blocks'
import { createGraph, type Graph, type GraphFile, valueInfo } from './onnx/graph.js'
import { type PartWriters, withStandard, writerOf } from './onnx/parts.js'
import { elementTypes, encodeModel, type TensorProto } from './onnx/schema.js'
import { type StoredTensor, type WeightType, weightTypes } from './onnx/store.js'

export interface OnnxOptions {
  /** Version of ONNX's operators, 17 to 20; default 20. Before 20 there is no Gelu, which is then written by Erf and Tanh. */
  readonly opset?: number
  /** How the weights of matrix products are stored; default `float32`. The others become float32 when they run. */
  readonly weights?: WeightType
  /** Where given, the model takes pixels from 0 to 1 and subtracts `mean` and divides by `std` itself; else it takes them normalised. One of each per channel. */
  readonly normalisation?: { readonly mean: readonly number[]; readonly std: readonly number[] }
  /** Of a network of grey images: whether the model takes RGB and makes it grey itself, by 0.299 R + 0.587 G + 0.114 B. Default false. */
  readonly fromRgb?: boolean
  /** How parts of kinds of one's own are written. */
  readonly writers?: PartWriters
  /** Kept in the model's metadata, with the structure of the network. */
  readonly details?: ModelDetails
  /** Bytes of weights above which they stand in a file of their own; default 10^9. A protobuf file ends at 2^31. */
  readonly externalAbove?: number
  /** Name of that file, which lies beside the model's; default `model.onnx_data`. */
  readonly dataFile?: string
}

/** An ONNX model as files. */
export interface OnnxModel {
  readonly model: Uint8Array
  /** Weights outside of the model's file, where they are too large for it. */
  readonly data?: { readonly name: string; readonly bytes: Uint8Array }
}

const optionKeys = ['opset', 'weights', 'normalisation', 'fromRgb', 'writers', 'details', 'externalAbove', 'dataFile'] as const

/** IR versions that came with the versions of the operators. */
const irVersions: { readonly [opset: number]: bigint } = { 17: 8n, 18: 8n, 19: 9n, 20: 9n }

/**
 * A network as an ONNX model: `pixel_values` [batch, channels, height, width] -> `logits` [batch, classes], or `pooled` [batch, width] where it has no
 * classifier. The batch is of any size. A block that can become a simpler one is written as that; the network stays as it is.
 *
 * @throws Error when an option cannot be, a block's kind has no writer, or a weight does not fit into float16
 */
export async function toOnnx(network: Network, options: OnnxOptions = {}): Promise<OnnxModel> {
  requireArguments('toOnnx', { network: ['network', network], options: ['object', options] })
  requireKeys('toOnnx', options, optionKeys)
  const { opset = 20, weights = 'float32', externalAbove = 1e9, dataFile = 'model.onnx_data', details = {} } = options
  if (irVersions[opset] === undefined) throw new Error(`toOnnx: 'opset' must be 17, 18, 19 or 20; got ${opset}`)
  if (!weightTypes.includes(weights)) throw new Error(`toOnnx: 'weights' must be ${weightTypes.join(', ')}; got '${weights}'`)
  if (!(externalAbove >= 0)) throw new Error(`toOnnx: 'externalAbove' must be a number of bytes of at least 0; got ${externalAbove}`)
  const { merged, made } = await mergeBlocks(network)
  try {
    const file = createGraph(opset, weights)
    const { channels, inputs } = inputOf(network, options)
    const pixels = writePixels(file.graph, channels, options)
    const output = writeNetwork(file.graph, merged, pixels, withStandard(options.writers))
    const { classes, pooledWidth } = network.head
    const named = classes > 0 ? 'logits' : 'pooled'
    const { tensors, data } = await storeWeights(file, externalAbove, dataFile)
    const model = encodeModel({
      irVersion: irVersions[opset]!,
      opsetImport: [{ domain: '', version: BigInt(opset) }],
      producerName: 'learngene',
      metadataProps: [{ key: 'learngene', value: JSON.stringify({ structure: structureOf(merged), details }) }],
      graph: {
        name: 'network',
        node: [...file.nodes, { name: named, opType: 'Identity', input: [output], output: [named], attribute: [] }],
        initializer: tensors,
        input: [valueInfo(INPUT, ['batch', ...inputs])],
        output: [valueInfo(named, ['batch', classes > 0 ? classes : pooledWidth])],
      },
    })
    return { model, ...(data && { data: { name: dataFile, bytes: data } }) }
  } finally {
    for (const block of made) for (const parameter of Object.values(block.parameters)) parameter.dispose()
  }
}

const INPUT = 'pixel_values'

/** The network of what its blocks have become, and those that were made for it. */
async function mergeBlocks(network: Network): Promise<{ merged: Network; made: readonly Block[] }> {
  const made: Block[] = []
  const blocks: Block[] = []
  for (const block of network.blocks) {
    const merged = block.merge ? await block.merge() : block
    if (merged !== block) made.push(merged)
    blocks.push(merged)
  }
  return { merged: { ...network, blocks }, made }
}

/** Channels of the network, and shape of what the model takes. */
function inputOf({ embedding: { geometry } }: Network, { normalisation, fromRgb = false }: OnnxOptions) {
  const { channels, imageSize } = geometry
  if (fromRgb && channels !== 1) throw new Error(`toOnnx: 'fromRgb' is for networks of grey images; this one takes ${channels} channels`)
  for (const [name, values] of Object.entries(normalisation ?? {})) {
    if (
      Array.isArray(values) &&
      values.length === channels &&
      values.every((each) => Number.isFinite(each) && (name === 'mean' || each > 0))
    )
      continue
    throw new Error(
      `toOnnx: 'normalisation.${name}' must be one number for each of ${channels} channels, std positive; got ${JSON.stringify(values)}`,
    )
  }
  return { channels, inputs: [fromRgb ? 3 : channels, ...sidesOf(imageSize)] }
}

/** What of the preparation the model does itself. */
function writePixels(graph: Graph, channels: number, { normalisation, fromRgb }: OnnxOptions): string {
  const grey = fromRgb ? graph.operation('Conv', [INPUT, graph.floats([0.299, 0.587, 0.114], [1, 3, 1, 1])]) : INPUT
  if (!normalisation) return grey
  const shape = [1, channels, 1, 1]
  const centred = graph.operation('Sub', [grey, graph.floats(normalisation.mean, shape)])
  return graph.operation('Div', [centred, graph.floats(normalisation.std, shape)])
}

function writeNetwork(graph: Graph, { embedding, blocks, head }: Network, pixels: string, writers: Required<PartWriters>): string {
  const write = writerOf(writers.embeddings, embedding, 'the embedding', 'embeddings')
  const inner = write(graph, embedding, pixels, head.epsilon)
  const embedded = embedding.projectedFrom === undefined ? inner : graph.linear(inner, 'embed_proj.', embedding.parameters)
  const trunk = blocks.reduce(
    (x, block, i) => writerOf(writers.blocks, block, `block ${i}`, 'blocks')(graph.within(`blocks.${i}.`), block, x),
    embedded,
  )
  return writerOf(writers.heads, head, 'the head', 'heads')(graph, head, trunk, embedding.prefixTokens)
}

/** A tensor smaller than this stays in the model, so that shapes can be told without the data. */
const smallest = 1024

/** Where data begin, so that engines can map them in place. */
const alignment = 64

/** The tensors of the file, and the data of those that stand outside. */
async function storeWeights(file: GraphFile, above: number, location: string): Promise<{ tensors: TensorProto[]; data?: Uint8Array }> {
  const stored: StoredTensor[] = []
  for await (const tensor of file.store()) stored.push(tensor)
  const inside = (tensor: StoredTensor): TensorProto => ({ ...described(tensor), rawData: tensor.bytes })
  const total = stored.reduce((sum, { bytes }) => sum + bytes.length, 0)
  if (total <= above) return { tensors: stored.map(inside) }
  let end = 0
  const offsets = stored.map(({ bytes }) => {
    if (bytes.length < smallest) return undefined
    const offset = Math.ceil(end / alignment) * alignment
    end = offset + bytes.length
    return offset
  })
  const data = new Uint8Array(end)
  const tensors = stored.map((tensor, i): TensorProto => {
    const offset = offsets[i]
    if (offset === undefined) return inside(tensor)
    data.set(tensor.bytes, offset)
    const place = { location, offset: String(offset), length: String(tensor.bytes.length) }
    return { ...described(tensor), dataLocation: EXTERNAL, externalData: Object.entries(place).map(([key, value]) => ({ key, value })) }
  })
  return { tensors, data }
}

/** TensorProto.DataLocation */
const EXTERNAL = 1

const described = ({ name, elements, dims }: StoredTensor) => ({ name, dims: dims.map(BigInt), dataType: elementTypes[elements] })
