import { exhaustiveSearch } from '@learngene/budget-search'
import { cutStructure, keptBlocks, keptEnergy, type PrincipalOrder } from '@learngene/inherit'
import type { Budget, Cost } from '@learngene/interfaces'
import { costOfStructure, type Network, type PartRegistry, structureOf } from '@learngene/vit-blocks'

/** The size of a smaller model. */
export interface ModelSize {
  /** D_s */
  readonly width: number
  /** L_s */
  readonly depth: number
  /** H_s */
  readonly heads: number
}

/** A size that keeps a budget. */
export interface Candidate {
  readonly size: ModelSize
  readonly cost: Cost
  /** {@link predictedDivergence} */
  readonly predicted: number
}

export const sizeName = ({ width, depth }: ModelSize) => `w${width}d${depth}`

/** The size of a network; where its blocks differ in heads, the fewest of any. */
export function sizeOf({ embedding: { width }, blocks }: Network): ModelSize {
  return { width, depth: blocks.length, heads: Math.min(...blocks.map(({ config }) => Number(config.heads))) }
}

/** @throws when only blocks of other kinds than those that can be cut would do */
export function requireCuttable(name: string, { blocks }: Network): void {
  const other = blocks.findIndex(({ kind }) => kind !== 'transformer')
  if (other >= 0) {
    throw new Error(
      `${name}: only models of transformer blocks can be cut; block ${other} is a '${blocks[other]!.kind}': cut the model that it came from`,
    )
  }
}

/**
 * A size with what was not asked for taken from the ancestor.
 *
 * @throws when it is not within the ancestor's, or the heads do not divide the width
 */
export function sizeWithin(
  ancestor: ModelSize,
  { width = ancestor.width, depth = ancestor.depth, heads = ancestor.heads }: Partial<ModelSize>,
): ModelSize {
  requireWithin('--blocks', depth, 1, ancestor.depth)
  requireHeads(ancestor, heads)
  requireWithin('a width', width, 2, ancestor.width)
  if (width % heads !== 0) {
    const below = width - (width % heads)
    const near = [below, below + heads].filter((value) => value >= 2 && value <= ancestor.width)
    throw new Error(`a width must divide by the heads; got ${width} and ${heads} heads: the nearest widths are ${near.join(' and ')}`)
  }
  return { width, depth, heads }
}

/** @throws when there are more heads than the ancestor's */
export function requireHeads(ancestor: ModelSize, heads: number): void {
  requireWithin('--heads', heads, 1, ancestor.heads)
}

function requireWithin(name: string, value: number, least: number, most: number): void {
  if (value < least || value > most) throw new Error(`${name} must be from ${least} to the ancestor's ${most}; got ${value}`)
}

/** Widths for a table: eighths of the ancestor's that the heads divide, ascending; where there are none the ancestor's. */
export function usualWidths({ width, heads }: ModelSize): number[] {
  const eighths = Array.from({ length: 8 }, (_, i) => (width * (i + 1)) / 8)
  const divided = eighths.filter((value) => value >= 2 && value % heads === 0)
  return divided.length > 0 ? divided : [width]
}

/** Depths for a table: all, three quarters and half of the ancestor's blocks. */
export function usualDepths({ depth }: ModelSize): number[] {
  return [...new Set([depth, Math.ceil((3 * depth) / 4), Math.ceil(depth / 2)])]
}

/** What a cut of an ancestor costs. Nothing is allocated. */
export function costOfSize(
  ancestor: Network,
  drops: PrincipalOrder['drops'],
  { width, depth, heads }: ModelSize,
  parts?: PartRegistry,
): Cost {
  const structure = structureOf(ancestor)
  const blocks = keptBlocks(drops, ancestor.blocks.length, depth).map((i) => {
    const { kind, config } = structure.blocks[i]!
    const units = Math.round(Number(config.mlpRatio ?? 4) * Number(config.width))
    const hidden = Math.min(units, Math.round(width * Number(config.mlpRatio ?? 4)))
    return { kind, config: { ...config, width, heads, mlpRatio: hidden / width } }
  })
  return costOfStructure(cutStructure(ancestor, blocks, width), { parts })
}

/** Of what a block's absence costs, the share that remains after the fit. */
const DEPTH_SHARE = 0.5
/** KL divergence after the fit for each squared share of energy that a width loses. */
const WIDTH_SCALE = 2.5

/**
 * The KL divergence that a fitted cut is expected to have, from the order alone: half of what the missing blocks cost unfitted, and 2.5 times the square of the energy that
 * the width loses. Both constants are those of fitted cuts of the embedded ancestor, where losses of width and depth add up: they rank sizes and measure none.
 */
export function predictedDivergence(order: PrincipalOrder, ancestor: ModelSize, { width, depth }: ModelSize): number {
  const gone = ancestor.depth - depth
  return DEPTH_SHARE * (gone > 0 ? order.drops[gone - 1]!.divergence : 0) + WIDTH_SCALE * (1 - keptEnergy(order, width)) ** 2
}

/**
 * The sizes that could be the best within a budget, the best by {@link predictedDivergence} first: of all widths that the heads divide and all depths, those that keep it and
 * that no other one exceeds in width and depth.
 *
 * @throws InfeasibleBudgetError naming the smallest size for each cap that cannot be met
 */
export async function candidatesWithin(
  network: Network,
  order: PrincipalOrder,
  budget: Budget,
  heads: number,
  parts?: PartRegistry,
): Promise<readonly Candidate[]> {
  const ancestor = sizeOf(network)
  const predict = (size: ModelSize) => predictedDivergence(order, ancestor, size)
  const within = (await sizesWithin(network, order.drops, budget, heads, parts)).map((size) => ({
    size,
    cost: costOfSize(network, order.drops, size, parts),
    predicted: predict(size),
  }))
  const exceeds = (a: ModelSize, b: ModelSize) => a.width >= b.width && a.depth >= b.depth && sizeName(a) !== sizeName(b)
  return within
    .filter(({ size }) => !within.some((other) => exceeds(other.size, size)))
    .sort((a, b) => a.predicted - b.predicted || a.cost.macs - b.cost.macs)
}

/**
 * Tells before any work whether a budget can be kept, where all blocks cost the same; where they differ that depends on their order.
 *
 * @throws as {@link candidatesWithin}
 */
export async function requireFeasible(network: Network, budget: Budget, heads: number, parts?: PartRegistry): Promise<void> {
  const configs = network.blocks.map(({ config }) => JSON.stringify(config))
  if (configs.some((config) => config !== configs[0])) return
  const anyOrder = configs.map((_, block) => ({ block, divergence: 0 })).slice(1)
  await sizesWithin(network, anyOrder, budget, heads, parts)
}

async function sizesWithin(
  network: Network,
  drops: PrincipalOrder['drops'],
  budget: Budget,
  heads: number,
  parts?: PartRegistry,
): Promise<readonly ModelSize[]> {
  const ancestor = sizeOf(network)
  const sizes: ModelSize[] = []
  for (let depth = 1; depth <= ancestor.depth; depth++) {
    for (let width = heads === 1 ? 2 : heads; width <= ancestor.width; width += heads) sizes.push({ width, depth, heads })
  }
  const space = {
    count: () => sizes.length,
    enumerate: () => sizes,
    cost: (size: ModelSize) => ({ ...costOfSize(network, drops, size, parts) }),
    key: sizeName,
  }
  const { evaluated } = await exhaustiveSearch(space, (values) => values.map(() => 0), budget)
  return evaluated.map(({ value }) => value)
}
