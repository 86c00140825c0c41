import type { Block } from '@learngene/interfaces/tensors'
import { type Activation, activate, attention, layerNorm, linear } from '@learngene/ops'
import { type Matrix64, matrixOf, block as viewOf, zeros } from '@learngene/stitch/linear-algebra'
import { type Tensor1D, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import type { HeadMaps } from './heads.js'
import { plainNormValues } from './norms.js'
import type { Values } from './values.js'

/** Sizes of a transformer block. */
export interface TransformerSize {
  /** D */
  readonly width: number
  /** H */
  readonly heads: number
  /** Dh */
  readonly headWidth: number
  readonly hidden: number
  readonly epsilon: number
  readonly activation: Activation
}

export function sizeOf(block: Block): TransformerSize {
  const { heads, epsilon, activation = 'gelu' } = block.config as { heads: number; epsilon: number; activation?: Activation }
  const [width, inner] = block.parameters['attn.proj.weight']!.shape as [number, number]
  return { width, heads, headWidth: inner / heads, hidden: block.parameters['mlp.fc1.weight']!.shape[0]!, epsilon, activation }
}

export const matrixIn = (block: Block, name: string) => block.parameters[name] as unknown as Tensor2D
export const vectorIn = (block: Block, name: string) => block.parameters[name] as unknown as Tensor1D

/** The perceptron's activations [B, N, units] of the stream between attention and perceptron [B, N, D]. */
export function hiddenOf(block: Block, middle: Tensor3D): Tensor3D {
  const { epsilon, activation } = sizeOf(block)
  return tidy(() => {
    const normalised = layerNorm(middle, vectorIn(block, 'norm2.weight'), vectorIn(block, 'norm2.bias'), epsilon)
    return activate(linear(normalised, matrixIn(block, 'mlp.fc1.weight'), vectorIn(block, 'mlp.fc1.bias')), activation)
  })
}

/** The outputs of all heads [B, N, H Dh], and the packed queries, keys and values, of the stream that enters a block [B, N, D]. */
export function attendedOf(block: Block, x: Tensor3D): { readonly qkv: Tensor3D; readonly attended: Tensor3D } {
  const { heads, epsilon } = sizeOf(block)
  return tidy(() => {
    const normalised = layerNorm(x, vectorIn(block, 'norm1.weight'), vectorIn(block, 'norm1.bias'), epsilon)
    const qkv = linear(normalised, matrixIn(block, 'attn.qkv.weight'), vectorIn(block, 'attn.qkv.bias')) // [B, N, 3 H Dh]
    return { qkv, attended: attention(qkv, heads) }
  })
}

/** The stream between attention and perceptron [B, N, D]. */
export function middleOf(block: Block, x: Tensor3D, attended: Tensor3D): Tensor3D {
  return linear(attended, matrixIn(block, 'attn.proj.weight'), vectorIn(block, 'attn.proj.bias'), { residual: x })
}

/** Both norms, their gamma and beta standing in what reads them. */
export const plainNorms = (width: number): Values => ({ ...plainNormValues('norm1', width), ...plainNormValues('norm2', width) })

/** The maps of one head in those of all: readers W [3 H Dh, n], writer [m, H Dh]. */
export function headOf(
  readers: { readonly weight: Matrix64; readonly bias: Float64Array },
  writer: Matrix64,
  head: number,
  { heads, headWidth }: Pick<TransformerSize, 'heads' | 'headWidth'>,
): HeadMaps {
  const inner = heads * headWidth
  return {
    readers: [0, 1, 2].map((part) => {
      const first = part * inner + head * headWidth
      return {
        weight: viewOf(readers.weight, first, 0, headWidth, readers.weight.columns),
        bias: matrixOf(readers.bias.slice(first, first + headWidth), headWidth, 1),
      }
    }),
    writer: viewOf(writer, 0, head * headWidth, writer.rows, headWidth),
  }
}

/** The parameters of qkv and of the projection's weight from heads: of each the leading factors, as many as `headWidth`, or zeros where there are fewer. */
export function packHeads(heads: readonly HeadMaps[], headWidth: number, scores = 1): Values {
  const columns = heads[0]!.readers[0]!.weight.columns
  const rows = heads[0]!.writer.rows
  const inner = heads.length * headWidth
  const qkv = zeros(3 * inner, columns)
  const bias = new Float64Array(3 * inner)
  const projection = zeros(rows, inner)
  for (const [head, { readers, writer }] of heads.entries()) {
    for (let factor = 0; factor < Math.min(headWidth, writer.columns); factor++) {
      for (const [part, reader] of readers.entries()) {
        const row = part * inner + head * headWidth + factor
        const scale = part < 2 ? scores : 1
        for (let column = 0; column < columns; column++)
          qkv.data[row * columns + column] = scale * reader.weight.data[factor * columns + column]!
        bias[row] = scale * reader.bias.data[factor]!
      }
      for (let row = 0; row < rows; row++)
        projection.data[row * inner + head * headWidth + factor] = writer.data[row * writer.columns + factor]!
    }
  }
  return {
    'attn.qkv.weight': { shape: [3 * inner, columns], data: qkv.data },
    'attn.qkv.bias': { shape: [3 * inner], data: bias },
    'attn.proj.weight': { shape: [rows, inner], data: projection.data },
  }
}

/** The parameters of fc1 of the given units. */
export function pickUnits({ weight, bias }: { readonly weight: Matrix64; readonly bias: Float64Array }, units: readonly number[]): Values {
  const { columns } = weight
  const picked = new Float64Array(units.length * columns)
  for (const [to, from] of units.entries()) picked.set(weight.data.subarray(from * columns, (from + 1) * columns), to * columns)
  return {
    'mlp.fc1.weight': { shape: [units.length, columns], data: picked },
    'mlp.fc1.bias': { shape: [units.length], data: Float64Array.from(units, (unit) => bias[unit]!) },
  }
}
