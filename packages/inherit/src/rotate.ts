import type { BlockRegistry, ImageSource } from '@learngene/interfaces/tensors'
import { batchProduct, layerNorm } from '@learngene/ops'
import { type Matrix64, matrixOf, product, transpose, zeros } from '@learngene/stitch/linear-algebra'
import { buildNetwork, disposeNetwork, type Network, structureOf } from '@learngene/vit-blocks'
import {
  dispose,
  matMul,
  mul,
  ones,
  reshape,
  slice,
  sum,
  type Tensor1D,
  type Tensor3D,
  tensor2d,
  tidy,
  zeros as zeroTensor,
} from '@tensorflow/tfjs-core'
import { type BlockKinds, kindOf } from './block-kind.js'
import { blockOrder } from './block-order.js'
import { type CalibrationOptions, overImages, turn } from './calibration.js'
import { createMoments } from './moments.js'
import { type PrincipalBasis, principalBasis } from './principal-basis.js'
import type { Rotated } from './principal-order.js'
import { transformerKind } from './transformer-kind.js'
import { assignValues, float64Of, foldedReader, type Values } from './values.js'

export interface RotateOptions extends CalibrationOptions {
  /** Finds the order in which blocks can go, which runs the ancestor about (L + 1)^2 / 6 times as often as all else; default true. */
  readonly blockOrder?: boolean
  /** How block kinds of one's own are cut. */
  readonly kinds?: BlockKinds
  /** Factories of block kinds of one's own. */
  readonly blocks?: BlockRegistry
}

/** The block kinds that this package knows how to cut. */
export const standardKinds: BlockKinds = { transformer: transformerKind }

/**
 * Writes a network in principal order: the residual stream in its principal directions, leading first, layer norms folded into what reads them, each head's
 * factors, the heads and the perceptrons' units by importance. The logits stay the same (relative 1e-5), and the leading rows and columns of every matrix are a
 * smaller model, which `cut` slices out. Needs unlabelled images and no training. The ancestor stays as it is.
 *
 * @throws when a block's kind does not say how it is cut, or there are no images
 */
export async function rotate(
  ancestor: Network,
  source: ImageSource,
  options: RotateOptions = {},
): Promise<Rotated & { readonly basis: PrincipalBasis }> {
  const kinds = { ...standardKinds, ...options.kinds }
  const { width } = ancestor.embedding
  const watched = ancestor.blocks.map((block, i) => {
    const kind = kindOf(block, i, kinds)
    return { norms: kind.norms, observer: kind.observe(block) }
  })
  const places = watched.reduce((count, { norms }) => count + norms, 1)
  const moments = createMoments()
  const rows = new Float64Array(places)
  const read = async (place: number, normalised: Tensor3D) => {
    rows[place]! += normalised.shape[0] * normalised.shape[1]
    const stream = tidy(() => reshape(normalised, [1, -1, width]) as Tensor3D)
    await moments.add({ [place]: batchProduct(stream, stream, true) })
    stream.dispose()
  }
  options.report?.({ kind: 'stage', name: 'watch the ancestor on calibration images' })
  await overImages(source, options, async (images) => {
    let stream = ancestor.embedding.forward(images)
    let place = 0
    for (const { norms, observer } of watched) {
      const first = place
      const next = await observer.forward(stream, (norm, normalised) => read(first + norm, normalised))
      place += norms
      stream.dispose()
      stream = next
    }
    const final = tidy(() => normalisedTokens(ancestor, stream))
    await read(place, final)
    dispose([stream, final])
  })

  const seconds = Array.from(rows, (count, place) => meanMoment(moments.matrix(String(place), width, width), count))
  const basis = principalBasis(sumOf(seconds))
  const network = buildNetwork(structureOf(ancestor), options.blocks)
  try {
    assignValues(network.embedding.parameters, await rotatedEmbedding(ancestor, basis))
    options.report?.({ kind: 'stage', name: 'write the ancestor in principal order', total: watched.length })
    for (const [i, { observer }] of watched.entries()) {
      await turn(options.signal)
      assignValues(network.blocks[i]!.parameters, await observer.rotate(basis))
      options.report?.({ kind: 'progress', done: i + 1, total: watched.length })
    }
    assignValues(network.head.parameters, await rotatedHead(ancestor, basis))
    const energies = await energiesIn(basis, seconds)
    const { blockOrder: ordered = true } = options
    return { network, order: { energies, drops: ordered ? await blockOrder(network, source, options) : [] }, basis }
  } catch (error) {
    disposeNetwork(network)
    throw error
  }
}

/** What the final layer norm makes of the tokens that the head classifies by. */
export function normalisedTokens({ head, embedding: { width } }: Network, stream: Tensor3D): Tensor3D {
  const [images] = stream.shape
  const classified = slice(stream, [0, 0, 0], [images, head.distillationHead ? 2 : 1, width])
  return layerNorm(classified, ones([width]) as Tensor1D, zeroTensor([width]) as Tensor1D, head.epsilon)
}

function meanMoment({ data, rows, columns }: Matrix64, count: number): Matrix64 {
  return matrixOf(data.map((value) => value / count), rows, columns) // biome-ignore format: one value
}

function sumOf(matrices: readonly Matrix64[]): Matrix64 {
  const total = zeros(matrices[0]!.rows, matrices[0]!.columns)
  for (const { data } of matrices) for (let i = 0; i < data.length; i++) total.data[i]! += data[i]!
  return total
}

/** The share of energy in each principal direction, by layer norm. */
function energiesIn({ directions, width }: PrincipalBasis, seconds: readonly Matrix64[]): Promise<number[][]> {
  return Promise.all(
    seconds.map(async ({ data }) => {
      const energies = tidy(() => {
        const q = tensor2d(Float32Array.from(directions.data), [width, width - 1])
        return sum(mul(matMul(tensor2d(Float32Array.from(data), [width, width]), q), q), 0)
      })
      const values = Array.from(await energies.data(), (value) => Math.max(value, 0))
      energies.dispose()
      const total = values.reduce((a, b) => a + b, 0) || 1
      return values.map((value) => Number((value / total).toPrecision(6)))
    }),
  )
}

/** All that writes the stream: patch embedding, tokens and positions. */
async function rotatedEmbedding({ embedding }: Network, { rotation, width }: PrincipalBasis): Promise<Values> {
  const values = await float64Of(embedding)
  return Object.fromEntries(
    Object.entries(embedding.parameters).map(([name, { shape, size }]) => {
      const written = name.startsWith('patch_embed.') // [D, ...]; tokens and positions are [..., D]
      const data = written
        ? product(rotation, matrixOf(values[name]!, width, size / width))
        : product(matrixOf(values[name]!, size / width, width), transpose(rotation))
      return [name, { shape, data: data.data }]
    }),
  )
}

/** The final layer norm folded into the maps that read it. */
async function rotatedHead({ head }: Network, { rotation, width }: PrincipalBasis): Promise<Values> {
  const values = await float64Of(head)
  const maps = Object.keys(head.parameters).flatMap((name) => (/^head.*\.weight$/.test(name) ? [name.slice(0, -'.weight'.length)] : []))
  const folded = maps.flatMap((map) => {
    const { weight, bias } = foldedReader(values, map, 'norm')
    const back = product(weight, transpose(rotation))
    return [
      [`${map}.weight`, { shape: [back.rows, width], data: back.data }],
      [`${map}.bias`, { shape: [back.rows], data: bias }],
    ] as const
  })
  return {
    'norm.weight': { shape: [width], data: new Float32Array(width).fill(1) },
    'norm.bias': { shape: [width], data: new Float32Array(width) },
    ...Object.fromEntries(folded),
  }
}
