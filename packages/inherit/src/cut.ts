import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import {
  buildNetwork,
  describe,
  type Network,
  type NetworkStructure,
  type PartRegistry,
  type PartSpec,
  requireArguments,
  requireKeys,
} from '@learngene/vit-blocks'
import { dispose, mul, ones, reshape, slice, type Tensor, tidy, zeros } from '@tensorflow/tfjs-core'
import { type BlockKind, type BlockKinds, kindOf } from './block-kind.js'
import { keptBlocks } from './block-order.js'
import { readsOf } from './norms.js'
import { keptAt, keptEnergy, type PrincipalOrder, type Rotated } from './principal-order.js'
import { rotatedStructure, standardKinds } from './rotate.js'

/** What to keep of an ancestor in principal order. */
export interface CutSize {
  /** D_s; default the ancestor's. */
  readonly width?: number
  /** L_s; default the ancestor's. Which blocks stay is the order's choice. */
  readonly depth?: number
  /** The blocks that stay, by index, in place of `depth`; where both are given, as many. */
  readonly blocks?: readonly number[]
  /** H_s; default the ancestor's. */
  readonly heads?: number
  /** Hidden width of the perceptrons as a multiple of D_s, up to the ancestor's number of units; default the ancestor's multiple. */
  readonly mlpRatio?: number
}

export interface CutOptions {
  /** Factories of kinds besides the standard ones. */
  readonly parts?: PartRegistry
  /** How block kinds of one's own are cut. */
  readonly kinds?: BlockKinds
}

/** What can be said of the size of a cut. */
const SIZE_KEYS = ['width', 'depth', 'blocks', 'heads', 'mlpRatio']

/** A smaller network that was cut out of an ancestor. */
export interface Cut {
  readonly network: Network
  /** The ancestor in principal order that it was cut out of. */
  readonly ancestor: Network
  /** Which block of the ancestor each block stands for. */
  readonly standsFor: readonly number[]
  /** Share of the stream's energy that its width keeps, the mean over the layer norms of its blocks. */
  readonly keptEnergy: number
}

/**
 * Slices a smaller network out of an ancestor in principal order: leading rows and columns, the blocks that the order keeps, and two numbers, the gain of each layer norm for
 * the energy that was cut, g = sqrt(D / D_s) sqrt(kept share), and the changed scale of the softmax, both multiplied into the weights. No algebra, on the device.
 *
 * @throws when the size is not within the ancestor's, the heads do not divide the width, the order of blocks is needed and was not found, or the order is that of
 * another network; nothing stays allocated then
 */
export function cut(rotated: Rotated, size: CutSize, options: CutOptions = {}): Cut {
  requireArguments('cut', { rotated: ['rotated', rotated], options: ['object', options] })
  requireArguments('cut', { 'rotated.network': ['network', rotated.network], 'rotated.order': ['principalOrder', rotated.order] })
  requireKeys('cut', size, SIZE_KEYS)
  const { network: ancestor, order } = rotated
  const kinds = { ...standardKinds, ...options.kinds }
  const { width = ancestor.embedding.width, heads, mlpRatio } = size
  const standsFor = blocksOf(ancestor, order, size)
  checkWidth(width, ancestor.embedding.width)
  const firstNorm = ancestor.blocks.map(() => 0)
  let norms = 0
  for (const [i, block] of ancestor.blocks.entries()) {
    firstNorm[i] = norms
    norms += kindOf(block, i, kinds).norms
  }
  if (order.energies.length !== norms + 1 || order.energies.some(({ length }) => length !== ancestor.embedding.width - 1)) {
    throw new Error(
      `cut: the order must be this ancestor's: energies of its ${norms + 1} layer norms in ${ancestor.embedding.width - 1} directions; got ${order.energies.length} layer norms in ${order.energies[0]?.length} directions`,
    )
  }
  const gain = (place: number) => Math.sqrt((ancestor.embedding.width / width) * keptAt(order.energies[place]!, width))
  const parts: (ReturnType<BlockKind['cut']> & { readonly kind: string })[] = []
  try {
    for (const i of standsFor) {
      const block = ancestor.blocks[i]!
      const kind = kindOf(block, i, kinds)
      const gains = Array.from({ length: kind.norms }, (_, n) => gain(firstNorm[i]! + n))
      parts.push({ kind: block.kind, ...kind.cut(block, { width, heads, mlpRatio, gains }) })
    }
    const blocks = parts.map(({ kind, config }) => ({ kind, config }))
    const network = buildNetwork(cutStructure(ancestor, blocks, width), options.parts)
    tidy(() => {
      assignAll(network.embedding.parameters, cutEmbedding(ancestor, width))
      for (const [i, { parameters }] of parts.entries()) assignAll(network.blocks[i]!.parameters, parameters)
      assignAll(network.head.parameters, cutHead(ancestor, width, gain(norms)))
    })
    return { network, ancestor, standsFor, keptEnergy: keptEnergy(order, width) }
  } finally {
    dispose(parts.map(({ parameters }) => parameters))
  }
}

function checkWidth(width: number, most: number): void {
  if (!Number.isInteger(width) || width < 2 || width > most) {
    throw new Error(`cut: the width must be an integer from 2 to the ancestor's, ${most}; got ${describe(width)}`)
  }
}

function blocksOf({ blocks: { length } }: Network, { drops }: PrincipalOrder, { depth, blocks }: CutSize): readonly number[] {
  if (blocks !== undefined) {
    if (!Array.isArray(blocks)) throw new Error(`cut: blocks must be a list of indices, for example [0, 2]; got ${describe(blocks)}`)
    const wrong = blocks.find((block, i) => !Number.isInteger(block) || block < 0 || block >= length || (i > 0 && block <= blocks[i - 1]!))
    if (wrong !== undefined || blocks.length === 0) {
      throw new Error(`cut: blocks must be ascending indices from 0 to ${length - 1}, at least one; got [${blocks.join(', ')}]`)
    }
    if (depth !== undefined && depth !== blocks.length) {
      throw new Error(`cut: a depth of ${describe(depth)} and ${blocks.length} blocks by index disagree; leave out the depth`)
    }
    return blocks
  }
  if (depth === undefined || depth === length) return Array.from({ length }, (_, i) => i)
  if (!Number.isInteger(depth) || depth < 1 || depth > length) {
    throw new Error(`cut: the depth must be an integer from 1 to the ancestor's, ${length}; got ${describe(depth)}`)
  }
  if (drops.length < length - depth) {
    throw new Error(
      `cut: a depth of ${depth} of ${length} needs the order in which blocks can go, which was not found; rotate with blockOrder: true, or name the blocks`,
    )
  }
  return keptBlocks(drops, length, depth)
}

/**
 * The structure of a network of these blocks whose embedding and head are cut: what does not read or write the stream keeps its width.
 *
 * @param ancestor in principal order, or before
 */
export function cutStructure(ancestor: Network, blocks: readonly PartSpec[], width: number): NetworkStructure {
  const structure = rotatedStructure(ancestor)
  const { attentionPool, headWidth } = structure
  return {
    ...structure,
    blocks,
    embeddingWidth: width,
    headWidth: width,
    ...(attentionPool && width !== headWidth && { attentionPool: { width: headWidth, ...attentionPool } }),
  }
}

function cutEmbedding({ embedding: { parameters, writes } }: Network, width: number): NamedTensors {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, parameter]) => {
      const axis = writes?.[name]
      return [name, axis === undefined ? parameter : leading(parameter, axis, width)]
    }),
  )
}

function cutHead({ head, embedding: { width: full } }: Network, width: number, gain: number): NamedTensors {
  const { norm, maps } = readsOf(head)
  const cut = maps.map((map) => {
    const weight = head.parameters[`${map}.weight`]!
    const [outputs, columns] = weight.shape as [number, number]
    const parts = columns / full
    const taken = leading(reshape(weight, [outputs, parts, full]), 2, width)
    return [`${map}.weight`, mul(reshape(taken, [outputs, parts * width]), gain)] as const
  })
  return { ...head.parameters, [`${norm}.weight`]: ones([width]), [`${norm}.bias`]: zeros([width]), ...Object.fromEntries(cut) }
}

function leading(values: Tensor, axis: number, length: number): Tensor {
  return slice(values, values.shape.map(() => 0), values.shape.with(axis, length)) // biome-ignore format: short
}

function assignAll(parameters: Parameters, values: NamedTensors): void {
  for (const [name, value] of Object.entries(values)) parameters[name]!.assign(value)
}
