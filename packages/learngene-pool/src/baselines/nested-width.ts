import type { Rng } from '@learngene/interfaces'
import type { Block, ImageSource, Parameters } from '@learngene/interfaces/tensors'
import { requireArguments } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import {
  buildNetwork,
  createEmbedding,
  createHead,
  createTransformerBlock,
  disposeParameters,
  type Network,
  type NetworkStructure,
  parameter,
  parametersOf,
  type ReadWeight,
  structureOf,
  withoutWeights,
} from '@learngene/vit-blocks'
import { mul, reshape, slice, type Tensor, tensor, tidy, type Variable } from '@tensorflow/tfjs-core'
import { type Lesson, lessonsFrom } from '../lessons.js'
import { trainByPlan } from '../training-plan.js'
import type { NetworkTraining } from './train-network.js'

export interface NestedOptions {
  /** The widths D_s that are trained together, each a multiple of the heads and at most the network's D. */
  readonly widths: readonly number[]
  /**
   * What the output of each layer norm is multiplied by, by width: one number for all, or one for each in the order norm1 and norm2 of every block, final
   * norm. Default 1.
   */
  readonly gains?: { readonly [width: number]: number | readonly number[] }
}

/** One network whose leading widths are networks of their own. */
export interface NestedNetwork {
  /** Ascending. */
  readonly widths: readonly number[]
  /** All that is trained: the weights of the whole network by timm's names, and `gains.D_s` [2 L + 1] of each width. */
  readonly parameters: Parameters
  /**
   * The network of a width. It reads the shared weights whenever it runs and so changes with them; gradients reach them and the gains. It costs what a ViT
   * of its width costs, and has no weights of its own to be stored or trained.
   *
   * @throws when the width is not one of the nested ones
   */
  networkAt(width: number): Network
  /**
   * The network of a width as an ordinary ViT: the same logits, with weights of its own. The gains are in the norms, the scale in the queries.
   *
   * @throws when the width is not one of the nested ones
   */
  extract(width: number): Network
  dispose(): void
}

/**
 * Nests networks of several widths in one, as Scala (arXiv 2412.04786) and MatFormer (arXiv 2310.07707) train theirs. The network of width D_s has the
 * first D_s of the D residual features, the first D_s / H of the features of each of the H heads, and the first r D_s of the r D hidden units of each MLP.
 * Scores are scaled as in the whole network, by 1 / sqrt(D / H), so that a narrow network's are the leading terms of a wide one's.
 *
 * The network may have fresh weights (`createViT`), or those of an ancestor rotated to its principal axes, whose leading parts are good from the start.
 * Takes over its weights, unless it throws.
 *
 * @throws when the network is not made of transformer blocks of one width, a width cannot be cut out of it, or the gains do not fit
 */
export function createNested(network: Network, { widths, gains = {} }: NestedOptions): NestedNetwork {
  checkBlocks(network)
  const ascending = checkedWidths(network, widths)
  const norms = 2 * network.blocks.length + 1
  const gainValues = gainsOf(ascending, norms, gains)
  const gainOf = new Map(ascending.map((width, i) => [width, parameter(gainValues[i]!, [norms])]))
  const views = new Map(ascending.map((width) => [width, viewOf(network, width, gainOf.get(width)!)]))
  const parameters = {
    ...parametersOf(network),
    ...Object.fromEntries(ascending.map((width) => [`gains.${width}`, gainOf.get(width)!])),
  }
  const viewAt = (width: number): View => {
    const view = views.get(width)
    if (!view) throw new Error(`nested network: the width must be one of ${ascending.join(', ')}; got ${width}`)
    return view
  }
  return {
    widths: ascending,
    parameters,
    networkAt: (width) => viewAt(width).network,
    extract(width) {
      const { network: narrow, reads } = viewAt(width)
      const extracted = buildNetwork(structureOf(narrow))
      for (const [i, part] of partsOf(extracted).entries()) {
        for (const [name, own] of Object.entries(part.parameters)) tidy(() => own.assign(reads[i]!(name)))
      }
      return extracted
    },
    dispose: () => disposeParameters(parameters),
  }
}

export interface NestedTraining extends NetworkTraining {
  /**
   * Widths per step, whose gradients are averaged: the smallest, the largest, and random others between them (the sandwich rule of Yu and Huang 2019,
   * arXiv 1903.05134); with 1 any, at most all. Default 3.
   */
  readonly sizesPerStep?: number
}

/** Recordings of steps come again often enough where only one width is drawn. */
const MOST_RECORDED_SIZES = 3

/**
 * Trains all widths together, with the loss, schedule and batches that a pool is fine-tuned with. The drawn widths depend on the generator only.
 *
 * @returns the loss of each step, the mean over its widths
 */
export async function trainNested(nested: NestedNetwork, source: ImageSource, options: NestedTraining, rng: Rng): Promise<Float32Array> {
  requireArguments('trainNested', { source: ['source', source], rng: ['rng', rng] })
  const { sizesPerStep = 3 } = options
  if (!Number.isInteger(sizesPerStep) || sizesPerStep < 1) {
    throw new Error(`trainNested: 'sizesPerStep' must be a positive integer; got ${sizesPerStep}`)
  }
  const sizes = Math.min(sizesPerStep, nested.widths.length)
  const { classes } = nested.networkAt(nested.widths[0]!).head
  const lessons = await lessonsFrom('trainNested', source, classes, options)
  const widthsOf = (step: number) => drawWidths(nested.widths, sizes, rng.fork(`widths ${step}`))
  const training = {
    parameters: nested.parameters,
    source,
    losses: sizes,
    lesson: lessons.lesson,
    prepareLesson: lessons.prepareLesson,
    loss: (step: number, index: number, lesson: Lesson) => lessons.loss(nested.networkAt(widthsOf(step)[index]!), lesson),
    ...(sizes <= MOST_RECORDED_SIZES && { key: (step: number) => widthsOf(step).join() }),
    watched: () => nested.widths.map((width) => nested.networkAt(width)),
  }
  return trainByPlan(options, training, rng)
}

function drawWidths(ascending: readonly number[], count: number, rng: Rng): number[] {
  if (count === 1) return [ascending[rng.integer(ascending.length)]!]
  const between = ascending.slice(1, -1)
  const drawn = rng.permutation(between.length).slice(0, count - 2)
  return [ascending[0]!, ascending.at(-1)!, ...Array.from(drawn, (i) => between[i]!)]
}

/** A narrow network, and where each of its {@link partsOf} takes its weights from. */
interface View {
  readonly network: Network
  readonly reads: readonly ReadWeight[]
}

/** Embedding, blocks, head. */
const partsOf = ({ embedding, blocks, head }: Network) => [embedding, ...blocks, head]

const headsOf = ({ config }: Block) => config.heads as number

function viewOf(wide: Network, width: number, gains: Variable): View {
  const { geometry, classes, epsilon, blocks, ...tokens } = narrowed(structureOf(wide), width)
  const { length } = blocks
  const reads = partsOf(wide).map((part, i): ReadWeight => {
    const block = wide.blocks[i - 1]
    const firstNorm = 2 * (block ? i - 1 : length)
    return (name) => {
      const leading = leadingPart(name, part.parameters[name]!, partsOf(network)[i]!.parameters[name]!.shape, block && headsOf(block))
      if (!name.startsWith('norm')) return leading
      return mul(leading, slice(gains, [firstNorm + (name.startsWith('norm2') ? 1 : 0)], [1]))
    }
  })
  const nothing = createRng(0) // parameters without weights are not drawn
  const network: Network = withoutWeights(
    () => ({
      embedding: createEmbedding(geometry, width, nothing, { ...tokens, read: reads[0]! }),
      blocks: blocks.map(({ config }, i) => createTransformerBlock(config, nothing, reads[i + 1]!)),
      head: createHead(width, classes, nothing, epsilon, { ...tokens, read: reads[length + 1]! }),
    }),
    `it is shared with the nested network: train that, or extract(${width}) weights of its own`,
  )
  return { network, reads }
}

/** The structure of the ViT of another width. */
function narrowed(structure: NetworkStructure, width: number): NetworkStructure {
  const blocks = structure.blocks.map(({ kind, config }) => ({ kind, config: { ...config, width } }))
  return { ...structure, blocks, embeddingWidth: width, headWidth: width }
}

/** What a narrow part has of a wide weight: its beginning in every dimension, within each head where a dimension is heads. */
function leadingPart(name: string, wide: Tensor, shape: readonly number[], heads = 1): Tensor {
  const first = (x: Tensor, size: readonly number[]) => slice(x, new Array(size.length).fill(0), [...size])
  const [rows, columns] = shape as [number, number]
  if (name.startsWith('attn.qkv.')) {
    const [wideRows, ...wideInputs] = wide.shape as [number, ...number[]]
    const inputs = shape.slice(1)
    const byHead = reshape(wide, [3, heads, wideRows / 3 / heads, ...wideInputs]) // [3, H, d, D], [3, H, d] of the bias
    const cut = first(byHead, [3, heads, rows / 3 / heads, ...inputs]) // [3, H, d_s, D_s]
    const scales = tensor([Math.sqrt(rows / wideRows), 1, 1], [3, 1, 1, ...inputs.map(() => 1)]) // q's is sqrt(d_s / d)
    return reshape(mul(cut, scales), [...shape]) // [3 D_s, D_s]
  }
  if (name === 'attn.proj.weight') {
    const [wideRows, wideColumns] = wide.shape as [number, number]
    const byHead = reshape(wide, [wideRows, heads, wideColumns / heads]) // [D, H, d]
    return reshape(first(byHead, [rows, heads, columns / heads]), [...shape]) // [D_s, D_s]
  }
  return first(wide, shape)
}

function checkBlocks({ embedding, blocks }: Network): void {
  for (const [i, { kind, inputWidth, outputWidth }] of blocks.entries()) {
    if (kind === 'transformer' && inputWidth === embedding.width && outputWidth === embedding.width) continue
    throw new Error(
      `createNested: blocks must be transformer blocks of the embedding's width ${embedding.width}; block ${i} is a '${kind}' from ${inputWidth} to ${outputWidth}`,
    )
  }
}

/** Ascending. */
function checkedWidths({ embedding, blocks }: Network, widths: readonly number[]): number[] {
  if (!Array.isArray(widths) || widths.length === 0) {
    throw new Error(`createNested: 'widths' must be a list of at least one integer; got ${shown(widths)}`)
  }
  const ascending = [...widths].sort((a, b) => a - b)
  for (const [i, width] of ascending.entries()) {
    if (!Number.isInteger(width) || width < 1 || width > embedding.width) {
      throw new Error(`createNested: widths must be integers from 1 to ${embedding.width}, the network's width; got ${width}`)
    }
    if (width === ascending[i + 1]) throw new Error(`createNested: widths must differ from each other; got ${width} twice`)
    const heads = blocks.map(headsOf).find((heads) => width % heads !== 0)
    if (heads !== undefined) throw new Error(`createNested: widths must divide by the heads; got width ${width} and ${heads} heads`)
  }
  return ascending
}

/** Values of each width's gains. */
function gainsOf(ascending: readonly number[], norms: number, gains: NonNullable<NestedOptions['gains']>): Float32Array[] {
  const unknown = Object.keys(gains).find((width) => !ascending.includes(Number(width)))
  if (unknown !== undefined) throw new Error(`createNested: gains must be of the widths ${ascending.join(', ')}; got some of ${unknown}`)
  return ascending.map((width) => {
    const given = gains[width] ?? 1
    const values: readonly number[] = Array.isArray(given) ? given : new Array(norms).fill(given)
    if (values.length !== norms || !values.every((gain) => Number.isFinite(gain) && gain > 0)) {
      throw new Error(
        `createNested: the gains of a width must be a positive number, or one for each of the ${norms} norms; width ${width} has ${shown(given)}`,
      )
    }
    return Float32Array.from(values)
  })
}

const shown = (value: unknown) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))
