import type { Embedding, Head } from '@learngene/vit-blocks'
import { gridOf } from '@learngene/vit-blocks'
import type { Tensor } from '@tensorflow/tfjs-core'
import { writeAttention, writeMlp } from './blocks.js'
import type { Graph } from './graph.js'

/** Patches, the tokens before them, positions, and a layer norm where there is one: images [B, C, height, width] -> [B, N, D]. */
export function writeEmbedding(graph: Graph, embedding: Embedding, epsilon: number, images: string): string {
  const { parameters, width, geometry } = embedding
  const [rows, columns] = gridOf(geometry)
  const grid = graph.patches(images, 'patch_embed.proj.', parameters) // [B, D, rows, columns]
  const patches = graph.transpose(graph.reshape(grid, [0, width, rows * columns]), [0, 2, 1]) // [B, P, D]
  const prefix = ['cls_token', 'dist_token', 'reg_token'].filter((name) => parameters[name] !== undefined)
  const all =
    prefix.length === 0 ? patches : graph.operation('Concat', [forEachImage(graph, prefix, parameters, images), patches], { axis: 1n })
  const placed = graph.operation('Add', [all, graph.weight('pos_embed', parameters.pos_embed!)]) // [B, N, D]
  return embedding.embeddingNorm ? graph.layerNorm(placed, 'norm_pre.', parameters, epsilon) : placed
}

/** Tokens [1, k, D] of one part, one after the other and once for each image [B, n, D]. */
function forEachImage(graph: Graph, tokens: readonly string[], parameters: { readonly [name: string]: Tensor }, images: string): string {
  const each = tokens.map((name) => graph.weight(name, parameters[name]!))
  const joined = each.length === 1 ? each[0]! : graph.operation('Concat', each, { axis: 1n })
  const batch = graph.operation('Shape', [images], { start: 0n, end: 1n })
  const shape = graph.operation('Concat', [batch, graph.integers([1, 1])], { axis: 0n }) // [B, 1, 1]
  return graph.operation('Expand', [joined, shape])
}

/** What the head classifies by [B, pooled width], where it has no classes; else its logits [B, C]. */
export function writeHead(graph: Graph, head: Head, prefixTokens: number, tokens: string): string {
  const { parameters, epsilon, classes, distillationHead } = head
  const normalise = (x: string) => graph.layerNorm(x, head.normAfterPooling ? 'fc_norm.' : 'norm.', parameters, epsilon)
  const tokenOf = (token: number) => normalise(graph.operation('Gather', [tokens, graph.index(token)], { axis: 1n })) // [B, D]
  const patchesOf = () =>
    prefixTokens === 0
      ? tokens
      : graph.operation('Slice', [tokens, graph.integers([prefixTokens]), graph.integers([LAST]), graph.integers([1])]) // [B, P, D]
  const average = () => (head.normAfterPooling ? normalise(graph.mean(patchesOf(), 1)) : graph.mean(normalise(patchesOf()), 1)) // [B, D]
  const poolings: { readonly [pooling in Head['pooling']]: (token: number) => string } = {
    token: tokenOf,
    average,
    tokenAverage: () => graph.operation('Concat', [tokenOf(0), average()], { axis: 1n }), // [B, 2D]
    attention: () => writeAttentionPool(graph, head, normalise(patchesOf())), // [B, D]
  }
  const pooled = poolings[head.pooling]
  if (classes === 0) return pooled(0)
  const logits = graph.linear(pooled(0), 'head.', parameters) // [B, C]
  if (!distillationHead) return logits
  const second = graph.linear(pooled(1), 'head_dist.', parameters)
  return graph.operation('Mul', [graph.operation('Add', [logits, second]), graph.floats([0.5])])
}

/** Beyond the end of any dimension. */
const LAST = 2 ** 31 - 1

/** One learned vector attends to the patches [B, n, D] -> [B, D]. */
function writeAttentionPool(graph: Graph, { parameters, width, epsilon, attentionPool }: Head, x: string): string {
  const { heads, activation = 'gelu' } = attentionPool!
  const [k, v] = graph.split(graph.linear(x, 'attn_pool.kv.', parameters), 2, width) as [string, string] // [B, n, D]
  const q = graph.linear(graph.weight('attn_pool.latent', parameters['attn_pool.latent']!), 'attn_pool.q.', parameters) // [1, 1, D]
  const mixed = graph.reshape(writeAttention(graph, { q, k, v, heads, headWidth: width / heads }), [0, width]) // [B, D]
  const attended = graph.linear(mixed, 'attn_pool.proj.', parameters)
  const normalised = graph.layerNorm(attended, 'attn_pool.norm.', parameters, epsilon)
  return graph.operation('Add', [attended, writeMlp(graph, normalised, 'attn_pool.mlp.', parameters, activation)])
}
