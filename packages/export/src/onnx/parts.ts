import { type AttentionPoolConfig, type Embedding, gridOf, type Head, type Pooling } from '@learngene/vit-blocks'
import type { Tensor } from '@tensorflow/tfjs-core'
import { type BlockWriters, standardWriters, writeAttention, writeMlp } from './blocks.js'
import type { Graph } from './graph.js'

/** Writes an embedding into an ONNX graph: images [B, C, height, width] -> the name of tokens [B, N, D]. */
export type EmbeddingWriter = (graph: Graph, embedding: Embedding, images: string, epsilon: number) => string

/** Writes a head into an ONNX graph: tokens [B, N, D] -> the name of logits [B, C], or of what it would classify by where there are no classes. */
export type HeadWriter = (graph: Graph, head: Head, tokens: string, prefixTokens: number) => string

/** How parts are written, by kind; one of a standard kind's name takes its place. */
export interface PartWriters {
  readonly blocks?: BlockWriters
  readonly embeddings?: { readonly [kind: string]: EmbeddingWriter }
  readonly heads?: { readonly [kind: string]: HeadWriter }
}

/** Those of the kinds that every network may have, and a user's own beside them. */
export const withStandard = ({ blocks, embeddings, heads }: PartWriters = {}): Required<PartWriters> => ({
  blocks: { ...standardWriters, ...blocks },
  embeddings: { patches: writePatches, ...embeddings },
  heads: { linear: writeHead, ...heads },
})

/** The writer of a part. @throws where its kind has none */
export function writerOf<W>(
  writers: { readonly [kind: string]: W },
  part: { readonly kind: string },
  what: string,
  option: keyof PartWriters,
): W {
  if (Object.hasOwn(writers, part.kind)) return writers[part.kind]!
  throw new Error(
    `toOnnx: ${what} is of the kind '${part.kind}', which has no writer; known are ${Object.keys(writers).join(', ')}. ` +
      `Say how it is written: { writers: { ${option}: { '${part.kind}': (graph, part, x) => ... } } }`,
  )
}

/** Patches, the tokens before them, positions, and a layer norm where there is one. */
function writePatches(graph: Graph, embedding: Embedding, images: string, epsilon: number): string {
  const { parameters, geometry, projectedFrom } = embedding
  const width = projectedFrom ?? embedding.width
  const [rows, columns] = gridOf(geometry)
  const grid = graph.patches(images, 'patch_embed.proj.', parameters) // [B, D, rows, columns]
  const patches = graph.transpose(graph.reshape(grid, [0, width, rows * columns]), [0, 2, 1]) // [B, P, D]
  const prefix = ['cls_token', 'dist_token', 'reg_token'].filter((name) => parameters[name] !== undefined)
  const all =
    prefix.length === 0 ? patches : graph.operation('Concat', [forEachImage(graph, prefix, parameters, images), patches], { axis: 1n })
  const placed = graph.operation('Add', [all, graph.weight('pos_embed', parameters.pos_embed!)]) // [B, N, D]
  return embedding.config.embeddingNorm ? graph.layerNorm(placed, 'norm_pre.', parameters, epsilon) : placed
}

/** Tokens [1, k, D] of one part, one after the other and once for each image [B, n, D]. */
function forEachImage(graph: Graph, tokens: readonly string[], parameters: { readonly [name: string]: Tensor }, images: string): string {
  const each = tokens.map((name) => graph.weight(name, parameters[name]!))
  const joined = each.length === 1 ? each[0]! : graph.operation('Concat', each, { axis: 1n })
  const batch = graph.operation('Shape', [images], { start: 0n, end: 1n })
  const shape = graph.operation('Concat', [batch, graph.integers([1, 1])], { axis: 0n }) // [B, 1, 1]
  return graph.operation('Expand', [joined, shape])
}

interface LinearHeadConfig {
  readonly pooling?: Pooling
  readonly normAfterPooling?: boolean
  readonly distillationHead?: boolean
  readonly attentionPool?: AttentionPoolConfig
}

function writeHead(graph: Graph, head: Head, tokens: string, prefixTokens: number): string {
  const { parameters, epsilon, classes } = head
  const { pooling = 'token', normAfterPooling = false, distillationHead = false } = head.config as LinearHeadConfig
  const normalise = (x: string) => graph.layerNorm(x, normAfterPooling ? 'fc_norm.' : 'norm.', parameters, epsilon)
  const tokenOf = (token: number) => normalise(graph.operation('Gather', [tokens, graph.index(token)], { axis: 1n })) // [B, D]
  const patchesOf = () =>
    prefixTokens === 0
      ? tokens
      : graph.operation('Slice', [tokens, graph.integers([prefixTokens]), graph.integers([LAST]), graph.integers([1])]) // [B, P, D]
  const average = () => (normAfterPooling ? normalise(graph.mean(patchesOf(), 1)) : graph.mean(normalise(patchesOf()), 1)) // [B, D]
  const poolings: { readonly [pooling in Pooling]: (token: number) => string } = {
    token: tokenOf,
    average,
    tokenAverage: () => graph.operation('Concat', [tokenOf(0), average()], { axis: 1n }), // [B, 2D]
    attention: () => writeAttentionPool(graph, head, normalise(patchesOf())), // [B, D]
  }
  const pooled = poolings[pooling]
  if (classes === 0) return pooled(0)
  const logits = graph.linear(pooled(0), 'head.', parameters) // [B, C]
  if (!distillationHead) return logits
  const second = graph.linear(pooled(1), 'head_dist.', parameters)
  return graph.operation('Mul', [graph.operation('Add', [logits, second]), graph.floats([0.5])])
}

/** Beyond the end of any dimension. */
const LAST = 2 ** 31 - 1

/** One learned vector attends to the patches [B, n, D] -> [B, D_a]. */
function writeAttentionPool(graph: Graph, { parameters, pooledWidth: width, epsilon, config }: Head, x: string): string {
  const { heads, activation = 'gelu' } = (config as LinearHeadConfig).attentionPool!
  const [k, v] = graph.split(graph.linear(x, 'attn_pool.kv.', parameters), 2, width) as [string, string] // [B, n, D]
  const q = graph.linear(graph.weight('attn_pool.latent', parameters['attn_pool.latent']!), 'attn_pool.q.', parameters) // [1, 1, D]
  const mixed = graph.reshape(writeAttention(graph, { q, k, v, heads, headWidth: width / heads }), [0, width]) // [B, D]
  const attended = graph.linear(mixed, 'attn_pool.proj.', parameters)
  const normalised = graph.layerNorm(attended, 'attn_pool.norm.', parameters, epsilon)
  return graph.operation('Add', [attended, writeMlp(graph, normalised, 'attn_pool.mlp.', parameters, activation)])
}
