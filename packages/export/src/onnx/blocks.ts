import type { Block } from '@learngene/interfaces/tensors'
import type { Activation } from '@learngene/ops'
import type { Graph } from './graph.js'

/**
 * Writes a block into an ONNX graph whose scope is the block's, and gives the name of its output.
 *
 * @param x name of the block's input [B, N, inputWidth]
 * @returns name of its output [B, N, outputWidth]
 */
export type BlockWriter = (graph: Graph, block: Block, x: string) => string

/** Writers by the kind of block. */
export type BlockWriters = { readonly [kind: string]: BlockWriter }

/** Those of the kinds that every network may have; a block that can become a simpler one, as a LoRA stitch, is written as that. */
export const standardWriters: BlockWriters = { transformer: writeTransformer, stitch: writeStitch }

function writeStitch(graph: Graph, { parameters }: Block, x: string): string {
  return graph.linear(x, '', parameters)
}

function writeTransformer(graph: Graph, { parameters, config }: Block, x: string): string {
  const { width, heads, epsilon } = config as { readonly width: number; readonly heads: number; readonly epsilon: number }
  const { headWidth = width / heads, activation = 'gelu' } = config as { readonly headWidth?: number; readonly activation?: Activation }
  const attended = heads * headWidth
  const qkv = graph.linear(graph.layerNorm(x, 'norm1.', parameters, epsilon), 'attn.qkv.', parameters) // [B, N, 3A]
  const [q, k, v] = graph.split(qkv, 3, attended) as [string, string, string] // [B, N, A]
  const mixed = writeAttention(graph, { q, k, v, heads, headWidth }) // [B, N, A]
  const middle = graph.operation('Add', [x, graph.linear(mixed, 'attn.proj.', parameters)]) // [B, N, D]
  const normalised = graph.layerNorm(middle, 'norm2.', parameters, epsilon)
  return graph.operation('Add', [middle, writeMlp(graph, normalised, 'mlp.', parameters, activation)]) // [B, N, D]
}

/** fc2(activation(fc1(x))) */
export function writeMlp(graph: Graph, x: string, prefix: string, parameters: Block['parameters'], activation: Activation): string {
  const hidden = graph.activation(graph.linear(x, `${prefix}fc1.`, parameters), activation) // [..., K]
  return graph.linear(hidden, `${prefix}fc2.`, parameters) // [..., D]
}

/** Queries [B or 1, M, A], keys and values [B, N, A], each of H heads of width Dh. */
interface Attention {
  readonly q: string
  readonly k: string
  readonly v: string
  readonly heads: number
  readonly headWidth: number
}

/** softmax(q k^T / sqrt(Dh)) v per head, heads joined again [B, M, A]. */
export function writeAttention(graph: Graph, { q, k, v, heads, headWidth }: Attention): string {
  const separate = (x: string, order: readonly number[]) => graph.transpose(graph.reshape(x, [0, 0, heads, headWidth]), order)
  const scaled = graph.operation('Mul', [q, graph.floats([headWidth ** -0.5])])
  const scores = graph.operation('MatMul', [separate(scaled, [0, 2, 1, 3]), separate(k, [0, 2, 3, 1])]) // [B, H, M, N]
  const shares = graph.operation('Softmax', [scores], { axis: -1n })
  const byHead = graph.operation('MatMul', [shares, separate(v, [0, 2, 1, 3])]) // [B, H, M, Dh]
  return graph.reshape(graph.transpose(byHead, [0, 2, 1, 3]), [0, 0, heads * headWidth])
}
