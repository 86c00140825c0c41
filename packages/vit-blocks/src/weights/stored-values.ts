import { sizeOf } from '../parameters.js'
import type { ExpectedShapes } from '../safetensors/index.js'
import type { NamedTensors } from './read-names.js'
import type { TensorFile } from './weight-files.js'

/** Where the value of a parameter comes from. */
export interface Source {
  readonly parameter: string
  readonly shape: readonly number[]
  /** What has to be read, in order, with the shapes that the tensors must have. */
  readonly tensors: ExpectedShapes
  /** Makes the value of those tensors' values. */
  value(parts: readonly Float32Array[]): Float32Array
}

/**
 * Where the values of a network's parameters lie in a checkpoint. Other forms of the same function are brought into the network's own: LayerScale is multiplied into the
 * projection before it, biases that no block has are zero, prefix tokens without positions get positions of zero, and packed queries, keys and values are cut apart.
 *
 * @param shapes of all parameters of the network that the checkpoint holds
 * @param complete whether it holds all of them in the network's own form, as files of ours
 */
export function sourcesOf(
  shapes: ExpectedShapes,
  named: NamedTensors,
  file: TensorFile,
  complete: boolean,
): { readonly sources: readonly Source[]; readonly notes: readonly string[] } {
  if (complete) return { sources: Object.entries(shapes).map(([parameter, shape]) => whole(parameter, shape, named, file)), notes: [] }
  const without = biasesMissing(shapes, named)
  const sources = Object.entries(shapes).map(([parameter, shape]): Source => {
    if (without.has(stemOf(parameter))) return { parameter, shape, tensors: {}, value: () => new Float32Array(sizeOf(shape)) }
    return (
      scaled(parameter, shape, named, file) ??
      positions(parameter, shape, named, file) ??
      cutOut(parameter, shape, named, file) ??
      normOfToken(parameter, shape, named, file) ??
      whole(parameter, shape, named, file)
    )
  })
  const surprising = [...without].filter((stem) => stem.startsWith('blocks.')).map((stem) => stem.slice('blocks.#.'.length))
  return { sources, notes: surprising.length === 0 ? [] : [`the checkpoint has no ${surprising.join(', ')}: zero`] }
}

/** `blocks.3.attn.qkv.bias` -> `blocks.#.attn.qkv.bias` */
const stemOf = (parameter: string) => parameter.replace(/^blocks\.\d+\./, 'blocks.#.')

const optionalBiases = new Set([
  'patch_embed.proj.bias',
  'head.bias',
  ...['attn.qkv', 'attn.proj', 'mlp.fc1', 'mlp.fc2'].map((part) => `blocks.#.${part}.bias`),
])

/** Biases that a checkpoint leaves out throughout. One that only some blocks have is missing. */
function biasesMissing(shapes: ExpectedShapes, { has }: NamedTensors): Set<string> {
  const there = new Set(Object.keys(shapes).filter(has).map(stemOf))
  return new Set(
    Object.keys(shapes)
      .map(stemOf)
      .filter((stem) => optionalBiases.has(stem) && !there.has(stem)),
  )
}

/** Tensors of equal shape stacked along their first dimension, or one of the parameter's values under another shape: class tokens are often vectors. */
function whole(parameter: string, shape: readonly number[], named: NamedTensors, file: TensorFile): Source {
  const tensors = named.tensorsOf(parameter)
  if (tensors.length === 1) {
    const found = file.tensors.get(tensors[0]!)?.shape ?? shape
    const flexible = /^(cls_token|dist_token|reg_token|pos_embed|attn_pool\.latent)$/.test(parameter)
    const expected = flexible && found.at(-1) === shape.at(-1) && sizeOf(found) === sizeOf(shape) ? found : shape
    return { parameter, shape, tensors: { [tensors[0]!]: expected }, value: ([data]) => data! }
  }
  const [rows, ...rest] = shape
  const part = [rows! / tensors.length, ...rest]
  return { parameter, shape, tensors: Object.fromEntries(tensors.map((tensor) => [tensor, part])), value: joined }
}

/** LayerScale (Touvron et al. 2021, arXiv 2103.17239) multiplies a block's two changes channel by channel: gamma (W x + b) = (gamma W) x + gamma b. */
function scaled(parameter: string, shape: readonly number[], named: NamedTensors, file: TensorFile): Source | undefined {
  const [, block, part] = /^(blocks\.\d+\.)(attn\.proj|mlp\.fc2)\.(?:weight|bias)$/.exec(parameter) ?? []
  if (block === undefined) return undefined
  const scale = part === 'attn.proj' ? 'ls1.gamma' : 'ls2.gamma'
  if (![...named.parameters].some((name) => name.startsWith('blocks.') && name.endsWith(`.${scale}`))) return undefined
  const gamma = block + scale
  const source = whole(parameter, shape, named, file)
  const columns = sizeOf(shape) / shape[0]!
  return {
    ...source,
    tensors: { ...source.tensors, [named.tensorsOf(gamma)[0]!]: [shape[0]!] },
    value: (parts) => {
      const gammas = parts.at(-1)!
      return source.value(parts.slice(0, -1)).map((value, i) => value * gammas[Math.floor(i / columns)]!)
    },
  }
}

/** Position embeddings of the patches alone, or of the patches and the first prefix tokens: the others have zeros. */
function positions(parameter: string, shape: readonly number[], named: NamedTensors, file: TensorFile): Source | undefined {
  if (parameter !== 'pos_embed') return undefined
  const [tensor] = named.tensorsOf(parameter) as [string]
  const found = file.tensors.get(tensor)?.shape
  const [, tokens, width] = shape as [number, number, number]
  const rows = found?.at(-2)
  if (found === undefined || rows === undefined || rows >= tokens) return undefined
  const own = prefixWithPositions(named, file, rows, tokens)
  return {
    parameter,
    shape,
    tensors: { [tensor]: found.length === 2 ? [rows, width] : [1, rows, width] },
    value: ([data]) => {
      const all = new Float32Array(tokens * width)
      all.set(data!.subarray(0, own * width))
      all.set(data!.subarray(own * width), (tokens - rows + own) * width)
      return all
    },
  }
}

/** How many of the rows belong to prefix tokens, where there are fewer rows than tokens: registers have none, or no prefix token has. */
function prefixWithPositions(named: NamedTensors, file: TensorFile, rows: number, tokens: number): number {
  const registers = registersIn(named, file)
  return tokens - rows === registers ? ['cls_token', 'dist_token'].filter(named.has).length : 0
}

/** R, by the tensor's shape. */
export function registersIn(named: NamedTensors, file: TensorFile): number {
  return named.has('reg_token') ? (file.tensors.get(named.tensorsOf('reg_token')[0]!)!.shape.at(-2) ?? 0) : 0
}

/** Attention pooling whose query, key and value lie in one tensor, as PyTorch's MultiheadAttention has them. */
function cutOut(parameter: string, shape: readonly number[], named: NamedTensors, file: TensorFile): Source | undefined {
  const [, part, kind] = /^attn_pool\.(q|kv)\.(weight|bias)$/.exec(parameter) ?? []
  const packed = `attn_pool.qkv.${kind}`
  if (part === undefined || !named.has(packed)) return undefined
  const [rows, ...rest] = shape
  const third = part === 'q' ? rows! : rows! / 2
  const source = whole(packed, [3 * third, ...rest], named, file)
  const stride = sizeOf(shape) / rows!
  return {
    ...source,
    parameter,
    shape,
    value: (parts) => (part === 'q' ? source.value(parts).slice(0, third * stride) : source.value(parts).slice(third * stride)),
  }
}

/** A layer norm behind the choice of one token is that of all tokens before it. */
function normOfToken(parameter: string, shape: readonly number[], named: NamedTensors, file: TensorFile): Source | undefined {
  const stored = `fc_${parameter}`
  if (!/^norm\.(weight|bias)$/.test(parameter) || named.has(parameter) || !named.has(stored)) return undefined
  return { ...whole(stored, shape, named, file), parameter }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.length
  }
  return whole
}
