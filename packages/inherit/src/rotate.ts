import type { ImageSource } from '@learngene/interfaces/tensors'
import { batchProduct } from '@learngene/ops'
import { copyOf, type Matrix64, matrixOf, product, transpose, block as viewOf, zeros } from '@learngene/stitch/linear-algebra'
import {
  buildNetwork,
  disposeNetwork,
  type Network,
  type NetworkStructure,
  type PartRegistry,
  parametersOf,
  requireArguments,
  requireKeys,
  structureOf,
} from '@learngene/vit-blocks'
import { matMul, mul, reshape, sum, type Tensor3D, tensor2d, tidy } from '@tensorflow/tfjs-core'
import { type BlockKinds, kindOf } from './block-kind.js'
import { blockOrder } from './block-order.js'
import { CALIBRATION_OPTIONS, type CalibrationOptions, overImages, turn } from './calibration.js'
import { foldedReader, normalisedTokens, plainNormValues, readsOf } from './norms.js'
import { type PrincipalBasis, principalBasis } from './principal-basis.js'
import type { Rotated } from './principal-order.js'
import { transformerKind } from './transformer-kind.js'
import { assignValues, createMoments, float64Of, freeing, type Values } from './values.js'

export interface RotateOptions extends CalibrationOptions {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
  /** Finds the order in which blocks can go, which runs the ancestor about (L + 1)^2 / 6 times as often as all else; default true. */
  readonly blockOrder?: boolean
  /** How block kinds of one's own are cut. */
  readonly kinds?: BlockKinds
}

/** Every option of {@link rotate}. */
export const ROTATE_OPTIONS: readonly string[] = [...CALIBRATION_OPTIONS, 'blockOrder', 'kinds', 'parts'] satisfies (keyof RotateOptions)[]

/** A rotated ancestor with what leads back to its own coordinates. */
export interface RotatedAncestor extends Rotated {
  readonly basis: PrincipalBasis
  /** By block, the mean of its output over the calibration tokens, in the ancestor's own coordinates [D]. */
  readonly means: readonly Float64Array[]
}

/** The block kinds that this package knows how to cut. */
export const standardKinds: BlockKinds = { transformer: transformerKind }

/**
 * Writes a network in principal order: the residual stream in its principal directions, leading first, layer norms folded into what reads them, each head's
 * factors, the heads and the perceptrons' units by importance. The logits stay the same (relative 1e-5), of images that it was not watched on too, and the leading rows and columns of every matrix are a
 * smaller model, which `cut` slices out. Needs unlabelled images and no training. The ancestor stays as it is.
 *
 * An embedding whose output is not linear in its parameters, as where a layer norm ends it (CLIP), stays as it is and gets a linear map behind it, which is what is cut.
 *
 * @throws when a block's kind does not say how it is cut, the head does not say how it reads the stream, there are no images, or weights or images hold NaN or Infinity; nothing stays allocated then
 */
export async function rotate(ancestor: Network, source: ImageSource, options: RotateOptions = {}): Promise<RotatedAncestor> {
  requireArguments('rotate', { ancestor: ['network', ancestor], source: ['source', source] })
  requireKeys('rotate', options, ROTATE_OPTIONS)
  const { blockOrder: ordered = true, kinds: _, parts, ...calibration } = options
  readsOf(ancestor.head)
  await requireFinite(ancestor)
  const kinds = { ...standardKinds, ...options.kinds }
  const { width } = ancestor.embedding
  const watched = ancestor.blocks.map((block, i) => {
    const kind = kindOf(block, i, kinds)
    return { norms: kind.norms, observer: kind.observe(block) }
  })
  const places = watched.reduce((count, { norms }) => count + norms, 1)
  const moments = createMoments()
  const rows = new Float64Array(places)
  let tokens = 0
  const read = async (place: number, normalised: Tensor3D) => {
    rows[place]! += normalised.shape[0] * normalised.shape[1]
    const products = tidy(() => {
      const stream = reshape(normalised, [1, -1, width]) as Tensor3D
      return batchProduct(stream, stream, true)
    })
    await moments.add({ [place]: products })
  }
  options.report?.({ kind: 'stage', name: 'watch the ancestor on calibration images' })
  await overImages(source, calibration, async (images) => {
    let place = 0
    await freeing(async (keep) => {
      let stream = keep(ancestor.embedding.forward(images))
      tokens += stream.shape[0] * stream.shape[1]
      for (const [block, { norms, observer }] of watched.entries()) {
        const first = place
        const next = keep(await observer.forward(stream, (norm, normalised) => read(first + norm, normalised)))
        place += norms
        stream.dispose()
        stream = next
        await moments.add({ [`mean ${block}`]: tidy(() => sum(reshape(next, [-1, width]), 0)) })
      }
      await read(place, keep(tidy(() => normalisedTokens(ancestor.head, stream))))
    })
  })

  const seconds = Array.from(rows, (count, place) => meanMoment(moments.matrix(String(place), width, width), count))
  const basis = principalBasis(sumOf(seconds))
  const network = buildNetwork(rotatedStructure(ancestor), parts)
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
    const means = watched.map((_, block) => moments.values(`mean ${block}`).map((total) => total / tokens)) // biome-ignore format: one value
    return { network, order: { energies, drops: ordered ? await blockOrder(network, source, calibration) : [] }, basis, means }
  } catch (error) {
    disposeNetwork(network)
    throw error
  }
}

/** The structure of an ancestor in principal order: its own, with a linear map behind an embedding that does not say how it writes its directions. */
export function rotatedStructure(ancestor: Network): NetworkStructure {
  const { writes, width } = ancestor.embedding
  return { ...structureOf(ancestor), ...(!writes && { projectedFrom: width }) }
}

/** @throws naming the first parameter that holds NaN or Infinity */
async function requireFinite(network: Network): Promise<void> {
  for (const [name, parameter] of Object.entries(parametersOf(network))) {
    if (!(await parameter.data<'float32'>()).every(Number.isFinite)) {
      throw new Error(`rotate: the ancestor's weights must be finite numbers; ${name} holds NaN or Infinity`)
    }
  }
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

/** What writes the stream in other directions: those of its parameters, or of the map behind them. */
async function rotatedEmbedding({ embedding }: Network, { rotation, width }: PrincipalBasis): Promise<Values> {
  const values = await float64Of(embedding)
  const { parameters, writes } = embedding
  const stored = Object.entries(parameters).map(([name, { shape, size }]) => {
    const axis = writes?.[name]
    if (axis === undefined) return [name, { shape, data: values[name]! }] as const
    if (shape[axis] !== width || (axis !== 0 && axis !== shape.length - 1)) {
      throw new Error(
        `rotate: the embedding '${embedding.kind}' must write its ${width} directions along a first or last axis; it says axis ${axis} of ${name} [${shape.join(', ')}]`,
      )
    }
    const { data } =
      axis === 0
        ? product(rotation, matrixOf(values[name]!, width, size / width)) // [D, ...]
        : product(matrixOf(values[name]!, size / width, width), transpose(rotation)) // [..., D]
    return [name, { shape, data }] as const
  })
  const projection = {
    'embed_proj.weight': { shape: [width, width], data: rotation.data },
    'embed_proj.bias': { shape: [width], data: new Float64Array(width) },
  }
  return { ...Object.fromEntries(stored), ...(!writes && projection) }
}

/** The final layer norm folded into the maps that read it; what stands behind them stays. A network that nothing reads gives its features in principal order. */
async function rotatedHead({ head }: Network, { rotation, width }: PrincipalBasis): Promise<Values> {
  const values = await float64Of(head)
  const { norm, maps } = readsOf(head)
  const stored = Object.entries(head.parameters).map(([name, { shape }]) => [name, { shape, data: values[name]! }] as const)
  const folded = maps.flatMap((map) => {
    const classes = values[`${map}.bias`]!.length
    const weight = new Float64Array(values[`${map}.weight`]!.length)
    let bias = values[`${map}.bias`]!
    // Where token and average stand side by side, each reads the norm by a part of its own.
    const columns = weight.length / classes
    for (let first = 0; first < columns; first += width) {
      const part = copyOf(viewOf(matrixOf(values[`${map}.weight`]!, classes, columns), 0, first, classes, width)).data
      const reader = foldedReader({ ...values, 'part.weight': part, 'part.bias': bias }, 'part', norm)
      const back = product(reader.weight, transpose(rotation))
      for (let row = 0; row < classes; row++) weight.set(back.data.subarray(row * width, (row + 1) * width), row * columns + first)
      bias = reader.bias
    }
    return [
      [`${map}.weight`, { shape: [classes, columns], data: weight }],
      [`${map}.bias`, { shape: [classes], data: bias }],
    ] as const
  })
  return { ...Object.fromEntries(stored), ...plainNormValues(norm, width), ...Object.fromEntries(folded) }
}
