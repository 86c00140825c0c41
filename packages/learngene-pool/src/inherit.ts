import { type CalibrationOptions, cut, embeddingOf, type RotatedAncestor, type RotateOptions, refine, rotate } from '@learngene/inherit'
import type { BlockRegistry, ImageSource, Parameters } from '@learngene/interfaces/tensors'
import { type AffineMap, defaultTierName, identityMap, requireArguments, type Tier, type Transformation } from '@learngene/stitch'
import { copyOf, matrixOf, product, transpose } from '@learngene/stitch/linear-algebra'
import { alone, type Group } from '@learngene/training'
import { buildNetwork, disposeNetwork, type Network, parametersOf, structureOf } from '@learngene/vit-blocks'
import { tensor } from '@tensorflow/tfjs-core'
import type { AuxiliarySpec } from './auxiliary.js'

/** What tiers of an ancestor are cut from, computed once for all of them. */
export interface Inheritance {
  /** The ancestor in principal order, from which tiers are sliced; its order tells what a width keeps and which blocks can go. */
  readonly rotated: RotatedAncestor
  /** Which images it was watched on. */
  readonly calibration: CalibrationOptions
  /** Frees the rotated ancestor; tiers that were cut from it stay. */
  dispose(): void
}

/**
 * Watches an ancestor on unlabelled images and writes it in principal order, for any number of tiers to be cut from it.
 *
 * @param options of `rotate`; `blockOrder` (default true) is needed for tiers of fewer blocks only
 */
export async function openInheritance(ancestor: Network, source: ImageSource, options: RotateOptions = {}): Promise<Inheritance> {
  requireArguments('openInheritance', { ancestor: ['network', ancestor], source: ['images', source], options: ['object', options] })
  const rotated = await rotate(ancestor, source, options)
  const { blockOrder: _, ...calibration } = options
  return { rotated, calibration, dispose: () => disposeNetwork(rotated.network) }
}

export interface InheritOptions extends RotateOptions {
  /** What was computed before, from the same ancestor and images; default computed for this tier alone. */
  readonly from?: Inheritance
  /** Whether the tier is fitted to the ancestor in closed form (`refine`); otherwise it is a mere slice. Default true. */
  readonly fit?: boolean
}

/** An auxiliary that inherits: all is the ancestor's unless it is named. */
export type InheritedSpec = Partial<Pick<AuxiliarySpec, 'width' | 'depth' | 'heads' | 'name' | 'classes'>> & {
  readonly blocks?: readonly number[]
}

/**
 * An auxiliary cut out of its ancestor, with the transformation matrix of every block: side `student`, R_s = E_s^T back to the ancestor's stream, and as bias what the tier does not
 * hold of the ancestor's mean. No training, no labels.
 *
 * @param spec any width that the heads divide and any depth up to the ancestor's
 * @throws when the size is not possible or a block kind does not say how it is cut; nothing stays allocated then
 */
export async function inherit(ancestor: Network, spec: InheritedSpec, source: ImageSource, options: InheritOptions = {}): Promise<Tier> {
  requireArguments('inherit', {
    ancestor: ['network', ancestor],
    spec: ['object', spec],
    source: ['images', source],
    options: ['object', options],
  })
  const { from, fit = true, ...rotating } = options
  const { width = ancestor.embedding.width, depth = ancestor.blocks.length, heads, blocks } = spec
  const inheritance =
    from ?? (await openInheritance(ancestor, source, { ...rotating, blockOrder: !blocks && depth < ancestor.blocks.length }))
  try {
    const { kinds, blocks: registry, report, signal } = options
    const slice = cut(inheritance.rotated, { width, depth, heads, blocks }, { kinds, blocks: registry })
    try {
      if (fit && !isWhole(ancestor, slice.network)) {
        await refine(inheritance.rotated, slice, source, { ...inheritance.calibration, kinds, report, signal })
      }
    } catch (error) {
      disposeNetwork(slice.network)
      throw error
    }
    const { standsFor } = slice
    const network = withClasses(slice.network, spec.classes ?? ancestor.head.classes, registry)
    return {
      name: spec.name ?? defaultTierName(width, standsFor.length),
      network,
      standsFor,
      transformations: standsFor.map((block, position) => ({
        side: 'student',
        position,
        ancestorPosition: block,
        map: startingMap(inheritance, width, inheritance.rotated.means[block]),
      })),
    }
  } finally {
    if (!from) inheritance.dispose()
  }
}

/** The network with a classifier of so many classes: its own, or a fresh one of weights 0. */
function withClasses(network: Network, classes: number, blocks?: BlockRegistry): Network {
  if (classes === network.head.classes) return network
  const other = buildNetwork({ ...structureOf(network), classes }, blocks)
  const from = parametersOf(network)
  for (const [name, parameter] of Object.entries(parametersOf(other))) if (!/^head(_dist)?\./.test(name)) parameter.assign(from[name]!)
  disposeNetwork(network)
  return other
}

/**
 * Several auxiliaries of one ancestor, computed from one inheritance. The members of a group fit different ones and hand them to each other: all hold the same bits.
 *
 * @returns in the order of the specifications
 * @throws what {@link inherit} throws; nothing stays allocated then
 */
export async function inheritTiers(
  ancestor: Network,
  specs: readonly InheritedSpec[],
  source: ImageSource,
  { group = alone, ...options }: InheritOptions & { readonly group?: Group } = {},
): Promise<Tier[]> {
  requireArguments('inheritTiers', { ancestor: ['network', ancestor], specs: ['object[]', specs], source: ['images', source] })
  const depth = ancestor.blocks.length
  const blockOrder = specs.some((spec) => !spec.blocks && (spec.depth ?? depth) < depth)
  const from = options.from ?? (await openInheritance(ancestor, source, { ...options, blockOrder }))
  const tiers: Tier[] = []
  try {
    const widestFirst = [...specs.keys()].sort((a, b) => (specs[b]!.width ?? Infinity) - (specs[a]!.width ?? Infinity))
    const isMine = (index: number) => widestFirst.indexOf(index) % group.size === group.rank
    for (const [index, spec] of specs.entries()) {
      tiers.push(await inherit(ancestor, spec, source, { ...options, from, fit: (options.fit ?? true) && isMine(index) }))
    }
    if (group.size > 1) for (const [index, { network }] of tiers.entries()) await handRound(group, parametersOf(network), isMine(index))
    return tiers
  } catch (error) {
    for (const { network } of tiers) disposeNetwork(network)
    throw error
  } finally {
    if (!options.from) from.dispose()
  }
}

/** Gives all members of a group the values of the one that has them. */
async function handRound(group: Group, parameters: Parameters, mine: boolean): Promise<void> {
  for (const parameter of Object.values(parameters)) {
    const values = mine ? Float64Array.from(await parameter.data<'float32'>()) : new Float64Array(parameter.size)
    group.sum(values)
    const agreed = tensor(Float32Array.from(values), parameter.shape, 'float32')
    parameter.assign(agreed)
    agreed.dispose()
  }
}

const isWhole = (ancestor: Network, network: Network) =>
  network.embedding.width === ancestor.embedding.width && network.blocks.length === ancestor.blocks.length

/** The map from a tier's stream to the ancestor's: R_s, and as bias what it does not give of a mean [D]. */
function startingMap({ rotated: { basis } }: Inheritance, width: number, mean: Float64Array = new Float64Array(basis.width)): AffineMap {
  const embedding = embeddingOf(basis, width) // [D_s, D]
  const kept = product(transpose(embedding), product(embedding, matrixOf(mean, basis.width, 1))).data
  return {
    inputs: width,
    outputs: basis.width,
    weight: Float32Array.from(copyOf(transpose(embedding)).data),
    bias: Float32Array.from(mean, (value, i) => value - kept[i]!),
  }
}

/**
 * The ancestor itself as the widest tier, unchanged: a copy of its weights, every block standing for itself. `fineTune` leaves it as it is where it is named among
 * its `frozen` tiers.
 */
export function ancestorTier(ancestor: Network, options: Pick<InheritOptions, 'blocks'> & { readonly name?: string } = {}): Tier {
  requireArguments('ancestorTier', { ancestor: ['network', ancestor], options: ['object', options] })
  const network = buildNetwork(structureOf(ancestor), options.blocks)
  const from = parametersOf(ancestor)
  for (const [name, parameter] of Object.entries(parametersOf(network))) parameter.assign(from[name]!)
  const width = ancestor.embedding.width
  const standsFor = ancestor.blocks.map((_, block) => block)
  return {
    name: options.name ?? defaultTierName(width, standsFor.length),
    network,
    standsFor,
    transformations: standsFor.map(
      (block): Transformation => ({ side: 'student', position: block, ancestorPosition: block, map: identityMap(width) }),
    ),
  }
}
