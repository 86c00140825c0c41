import type { Block } from '@learngene/interfaces/tensors'
import { activate, attention, linear } from '@learngene/ops'
import { copyOf, type Matrix64, matrixOf, product, block as viewOf, zeros } from '@learngene/stitch/linear-algebra'
import { dispose, mean, slice, sub, type Tensor1D, type Tensor2D, type Tensor3D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core'
import type { BlockStreams } from './block-kind.js'
import { greedyInputs } from './greedy-inputs.js'
import { headMoments, rankHead } from './heads.js'
import { plainNorm } from './norms.js'
import {
  type AffineColumns,
  affineColumns,
  affineParts,
  type Equations,
  normalEquations,
  ofInputs,
  reconstruction,
  regressToward,
} from './regression.js'
import { attendedOf, headOf, middleOf, packHeads, pickUnits, plainNorms, sizeOf } from './transformer-parts.js'
import { assignValues, createMoments, float64Of, freeing, type Keep } from './values.js'

/** Relative ridge by which hidden units are chosen. */
const ridge = 1e-3

/** Rows of calibration tokens that a regression takes for each of its unknowns at the most, and in all at the least. */
const mostRows = { perUnknown: 4, atLeast: 8192 }

/** A linear map on the device, its values known in float64 too. */
interface Reader {
  readonly weight: Matrix64
  readonly bias: Float64Array
}

/**
 * Fits a cut transformer block to its streams: first what reads the first norm, its heads in their own metric and what they write; then, with the stream that this gives, what reads
 * the second norm, the units that explain most, and what they write.
 */
export async function refineTransformer(block: Block, cut: Block, { ancestor, tier, targets, weights }: BlockStreams): Promise<void> {
  const values = await float64Of(block)
  const { width } = sizeOf(cut)
  assignValues(cut.parameters, plainNorms(width))
  await freeing(async (keep) => {
    const middles = ancestor.map((x) => keep(tidy(() => middleOf(block, x, attendedOf(block, x).attended))))
    const ofAttention = { ancestor, tier, targets: middles, weights }
    await freeing((keep) => refineAttention(block, cut, values, ofAttention, keep))
    const tierMiddles = tier.map((x) => keep(tidy(() => middleOf(cut, x, attendedOf(cut, x).attended))))
    const ofPerceptron = { ancestor: middles, tier: tierMiddles, targets, weights }
    await freeing((keep) => refinePerceptron(block, cut, values, ofPerceptron, keep))
  })
}

async function refineAttention(block: Block, cut: Block, values: Numbers, streams: BlockStreams, keep: Keep): Promise<void> {
  const { heads, headWidth, epsilon } = sizeOf(block)
  const size = sizeOf(cut)
  const inner = heads * headWidth
  const normalised = streams.tier.map((x) => keep(plainNorm(x, epsilon)))
  const read = await readThrough(values, 'attn.qkv', normalised, streams, epsilon)
  read.bias.fill(0, inner, 2 * inner) // Softmax ignores what all keys share.

  // All heads in full on the tier's stream show what each factor contributes there.
  const full = onDevice(read, keep)
  const moments = createMoments()
  let tokens = 0
  for (const z of normalised) {
    tokens += z.shape[0] * z.shape[1]
    const sums = tidy(() => {
      const qkv = linear(z, full.weight, full.bias)
      return headMoments(qkv, attention(qkv, heads), heads)
    })
    await moments.add(sums)
  }
  dispose(normalised)
  const writer = centredRows(
    viewOf(matrixOf(values['attn.proj.weight']!, values['attn.proj.bias']!.length, inner), 0, 0, size.width, inner),
  )
  const ranked = Array.from({ length: size.heads }, (_, head) =>
    rankHead(headOf(read, writer, head, { heads, headWidth }), moments, head, tokens),
  )
  const constant = values['attn.proj.bias']!.slice(0, size.width)
  for (const head of ranked) for (let i = 0; i < size.width; i++) constant[i]! += head.constant.data[i]!
  const packed = packHeads(ranked, size.headWidth, (size.headWidth / headWidth) ** 0.25)
  assignValues(cut.parameters, packed)

  const attended = streams.tier.map((x) => keep(tidy(() => attendedOf(cut, x).attended)))
  const prior = affineColumns(matrixOf(packed['attn.proj.weight']!.data, size.width, size.heads * size.headWidth), constant)
  writeWith(cut, 'attn.proj', regressToward(await missing(attended, streams), prior))
}

async function refinePerceptron(block: Block, cut: Block, values: Numbers, streams: BlockStreams, keep: Keep): Promise<void> {
  const { epsilon, hidden, activation } = sizeOf(block)
  const size = sizeOf(cut)
  const normalised = streams.tier.map((x) => keep(plainNorm(x, epsilon)))
  const read = await readThrough(values, 'mlp.fc1', normalised, streams, epsilon)
  const full = onDevice(read, keep)
  const few = batchesFor(hidden, streams.tier)
  const activations = normalised.slice(0, few).map((z) => keep(tidy(() => activate(linear(z, full.weight, full.bias), activation))))
  const equations = await missing(activations, streams)
  dispose([normalised, activations])
  const units = size.hidden < hidden ? greedyInputs(equations.all, size.hidden, ridge) : Array.from({ length: hidden }, (_, unit) => unit)
  const fc2 = values['mlp.fc2.weight']!
  const prior = zeros(size.hidden + 1, size.width)
  for (const [to, unit] of units.entries()) for (let i = 0; i < size.width; i++) prior.data[to * size.width + i] = fc2[i * hidden + unit]!
  prior.data.set(values['mlp.fc2.bias']!.subarray(0, size.width), size.hidden * size.width)
  assignValues(cut.parameters, pickUnits(read, units))
  writeWith(cut, 'mlp.fc2', regressToward(ofInputs(equations, units), prior))
}

type Numbers = { readonly [name: string]: Float64Array }

/** The ancestor's reader W [n, D] of a layer norm as a reader of the tier's norm: through the reconstruction of one from the other. */
async function readThrough(
  values: Numbers,
  map: string,
  normalised: readonly Tensor3D[],
  { ancestor, weights }: BlockStreams,
  epsilon: number,
): Promise<Reader> {
  const reconstructed = await freeing(async (keep) => {
    const to = ancestor.map((x) => keep(plainNorm(x, epsilon)))
    return affineParts(await reconstruction(normalised, to, weights)) // [D, D_s] and [D]
  })
  const bias = values[`${map}.bias`]!
  const weight = matrixOf(values[`${map}.weight`]!, bias.length, reconstructed.bias.length)
  const shift = product(weight, matrixOf(reconstructed.bias, reconstructed.bias.length, 1)).data
  return { weight: product(weight, reconstructed.weight), bias: bias.map((value, i) => value + shift[i]!) }
}

/** The regression of what the tier's stream lacks to reach its target on what a writer reads. */
function missing(inputs: readonly Tensor3D[], { tier, targets, weights }: BlockStreams): Promise<Equations> {
  return freeing((keep) => {
    const lacking = inputs.map((_, batch) => {
      const stream = tier[batch]!
      return keep(tidy(() => sub(centred(targets[batch]!, stream.shape[2]), centred(stream, stream.shape[2])) as Tensor3D))
    })
    return normalEquations(inputs, lacking, weights)
  })
}

/** How many batches have enough tokens for a regression of so many unknowns. */
function batchesFor(unknowns: number, streams: readonly Tensor3D[]): number {
  const wanted = Math.max(mostRows.atLeast, mostRows.perUnknown * unknowns)
  let rows = 0
  const enough = streams.findIndex(({ shape: [images, tokens] }) => {
    rows += images * tokens
    return rows >= wanted
  })
  return enough < 0 ? streams.length : enough + 1
}

function writeWith(cut: Block, map: string, columns: AffineColumns): void {
  const { weight, bias } = affineParts(columns)
  assignValues(cut.parameters, {
    [`${map}.weight`]: { shape: [weight.rows, weight.columns], data: weight.data },
    [`${map}.bias`]: { shape: [bias.length], data: bias },
  })
}

function onDevice({ weight, bias }: Reader, keep: Keep): { readonly weight: Tensor2D; readonly bias: Tensor1D } {
  return {
    weight: keep(tensor2d(Float32Array.from(weight.data), [weight.rows, weight.columns])),
    bias: keep(tensor1d(Float32Array.from(bias))),
  }
}

/** The leading values of each token about their mean, which is all that a layer norm of that width sees. */
function centred(x: Tensor3D, width: number): Tensor3D {
  const taken = slice(x, [0, 0, 0], [x.shape[0], x.shape[1], width])
  return sub(taken, mean(taken, -1, true)) as Tensor3D
}

/** A copy whose columns have zero mean. */
function centredRows(matrix: Matrix64): Matrix64 {
  const copy = copyOf(matrix)
  const { data, rows, columns } = copy
  for (let column = 0; column < columns; column++) {
    let total = 0
    for (let row = 0; row < rows; row++) total += data[row * columns + column]!
    for (let row = 0; row < rows; row++) data[row * columns + column]! -= total / rows
  }
  return copy
}
