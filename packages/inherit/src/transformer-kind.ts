import type { Block } from '@learngene/interfaces/tensors'
import { linear } from '@learngene/ops'
import { type Matrix64, matrixOf, product, transpose } from '@learngene/stitch/linear-algebra'
import { describe } from '@learngene/vit-blocks'
import { mul, ones, pad, reshape, slice, square, sum, type Tensor, tensor4d, tidy, zeros as zeroTensor } from '@tensorflow/tfjs-core'
import type { BlockKind, BlockObserver } from './block-kind.js'
import { headMoments, rankHead } from './heads.js'
import { foldedReader, plainNorm } from './norms.js'
import type { PrincipalBasis } from './principal-basis.js'
import {
  attendedOf,
  headOf,
  hiddenOf,
  matrixIn,
  middleOf,
  packHeads,
  pickUnits,
  plainNorms,
  sizeOf,
  type TransformerSize,
  vectorIn,
} from './transformer-parts.js'
import { refineTransformer } from './transformer-refine.js'
import { createMoments, float64Of, freeing, type Moments, type Values } from './values.js'

/**
 * The pre-norm block of ViT. In principal order its norms are 1 and 0, their gamma and beta folded into qkv and fc1; the factors of each head's scores and of its
 * values and projection are ranked by what they contribute on the calibration images, the heads by the energy of what they write, the perceptron's units likewise.
 */
export const transformerKind: BlockKind = {
  norms: 2,
  observe,
  refine: refineTransformer,
  cut(block, { width, heads: wanted, mlpRatio, gains: [gain1 = 1, gain2 = 1] }) {
    const { width: fullWidth, heads: had, headWidth: hadWidth, hidden: hadUnits } = sizeOf(block)
    const heads = wanted ?? had
    const own = block.config.headWidth !== undefined
    const headWidth = own ? Math.max(1, Math.round((hadWidth * width) / fullWidth)) : width / heads
    const inner = heads * headWidth
    if (!Number.isInteger(heads) || heads < 1 || !Number.isInteger(headWidth) || heads > had) {
      throw new Error(`cut: the heads must divide the width and be at most the ancestor's, ${had}; got width ${width} and ${heads} heads`)
    }
    const most = hadUnits / width
    if (mlpRatio !== undefined && !(typeof mlpRatio === 'number' && mlpRatio > 0 && mlpRatio <= most)) {
      throw new Error(
        `cut: mlpRatio must be a number above 0 and at most ${most}, the ancestor's ${hadUnits} units over a width of ${width}; got ${describe(mlpRatio)}`,
      )
    }
    const ratio = mlpRatio ?? hadUnits / fullWidth
    const hidden = Math.min(hadUnits, Math.max(1, Math.round(width * ratio)))
    const factors = Math.min(headWidth, hadWidth)
    const narrower = (headWidth / hadWidth) ** 0.25
    const { parameters } = block
    return {
      config: { ...block.config, width, heads, mlpRatio: hidden / width, ...(own && { headWidth }) },
      parameters: tidy(() => {
        const leading = (values: Tensor, ...shape: number[]) => slice(values, new Array(shape.length).fill(0), shape)
        /** [3 H Dh, columns]: the leading factors of the leading heads; zeros where the tier has room for more than there are. */
        const attending = (values: Tensor, columns: number, gain: number) => {
          const taken = leading(reshape(values, [3, had, hadWidth, columns]), 3, heads, factors, columns)
          const scaled = mul(taken, tensor4d([narrower * gain, narrower * gain, gain], [3, 1, 1, 1]))
          return pad(scaled, [none, none, [0, headWidth - factors], none])
        }
        const qkv = leading(parameters['attn.qkv.weight']!, 3 * had * hadWidth, width)
        const projection = leading(reshape(parameters['attn.proj.weight']!, [-1, had, hadWidth]), width, heads, factors)
        return {
          'norm1.weight': ones([width]),
          'norm1.bias': zeroTensor([width]),
          'attn.qkv.weight': reshape(attending(qkv, width, gain1), [3 * inner, width]),
          'attn.qkv.bias': reshape(attending(parameters['attn.qkv.bias']!, 1, 1), [3 * inner]),
          'attn.proj.weight': reshape(pad(projection, [none, none, [0, headWidth - factors]]), [width, inner]),
          'attn.proj.bias': leading(parameters['attn.proj.bias']!, width),
          'norm2.weight': ones([width]),
          'norm2.bias': zeroTensor([width]),
          'mlp.fc1.weight': mul(leading(parameters['mlp.fc1.weight']!, hidden, width), gain2),
          'mlp.fc1.bias': leading(parameters['mlp.fc1.bias']!, hidden),
          'mlp.fc2.weight': leading(parameters['mlp.fc2.weight']!, width, hidden),
          'mlp.fc2.bias': leading(parameters['mlp.fc2.bias']!, width),
        }
      }),
    }
  },
}

const none: [number, number] = [0, 0]

function observe(block: Block): BlockObserver {
  const size = sizeOf(block)
  const moments = createMoments()
  let rows = 0
  return {
    forward: (x, read) =>
      freeing(async (keep) => {
        rows += x.shape[0] * x.shape[1]
        await read(0, keep(plainNorm(x, size.epsilon)))
        const { middle, sums } = tidy(() => {
          const { qkv, attended } = attendedOf(block, x)
          return { middle: middleOf(block, x, attended), sums: headMoments(qkv, attended, size.heads) }
        })
        keep(middle)
        await moments.add(sums)
        await read(1, keep(plainNorm(middle, size.epsilon)))
        const hidden = keep(hiddenOf(block, middle)) // [B, N, units]
        await moments.add({ units: tidy(() => sum(square(reshape(hidden, [-1, size.hidden])), 0)) })
        return linear(hidden, matrixIn(block, 'mlp.fc2.weight'), vectorIn(block, 'mlp.fc2.bias'), { residual: middle })
      }),
    rotate: (basis) => rotate(block, size, moments, rows, basis),
  }
}

async function rotate(
  block: Block,
  size: TransformerSize,
  moments: Moments,
  tokens: number,
  { rotation }: PrincipalBasis,
): Promise<Values> {
  const { width, heads, headWidth, hidden } = size
  const inner = heads * headWidth
  const values = await float64Of(block)
  const back = transpose(rotation)
  const qkv = foldedReader(values, 'attn.qkv', 'norm1')
  const projection = product(rotation, matrixOf(values['attn.proj.weight']!, width, inner)) // [D, H Dh]
  const projectionBias = product(rotation, matrixOf(values['attn.proj.bias']!, width, 1))
  const ranked = Array.from({ length: heads }, (_, head) => rankHead(headOf(qkv, projection, head, size), moments, head, tokens))
  for (const { constant } of ranked) for (let i = 0; i < width; i++) projectionBias.data[i]! += constant.data[i]!
  ranked.sort((a, b) => b.energy - a.energy)
  const attending = packHeads(
    ranked.map(({ readers, writer }) => ({
      readers: readers.map(({ weight, bias }) => ({ weight: product(weight, back), bias })),
      writer,
    })),
    headWidth,
  )

  const fc1 = foldedReader(values, 'mlp.fc1', 'norm2')
  const fc2 = product(rotation, matrixOf(values['mlp.fc2.weight']!, width, hidden))
  const order = unitOrder(moments.values('units'), fc2)
  return {
    ...plainNorms(width),
    ...attending,
    'attn.proj.bias': { shape: [width], data: projectionBias.data },
    ...pickUnits({ weight: product(fc1.weight, back), bias: fc1.bias }, order),
    'mlp.fc2.weight': { shape: [width, hidden], data: columnsOf(fc2, order) },
    'mlp.fc2.bias': { shape: [width], data: product(rotation, matrixOf(values['mlp.fc2.bias']!, width, 1)).data },
  }
}

function columnsOf({ data, rows, columns }: Matrix64, order: readonly number[]): Float64Array {
  const picked = new Float64Array(rows * order.length)
  for (let row = 0, to = 0; row < rows; row++) for (const column of order) picked[to++] = data[row * columns + column]!
  return picked
}

/** Hidden units by the energy of what they write, most first. */
function unitOrder(energies: Float64Array, writer: Matrix64): number[] {
  const written = Array.from(energies, (energy, unit) => {
    let squares = 0
    for (let row = 0; row < writer.rows; row++) squares += writer.data[row * writer.columns + unit]! ** 2
    return energy * squares
  })
  return [...written.keys()].sort((a, b) => written[b]! - written[a]!)
}
