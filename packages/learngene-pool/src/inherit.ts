import {
  type CalibrationOptions,
  type CutSize,
  cut,
  embeddingOf,
  ROTATE_OPTIONS,
  type RotatedAncestor,
  type RotateOptions,
  refine,
  rotate,
} from '@learngene/inherit'
import type { ImageSource, Parameters } from '@learngene/interfaces/tensors'
import {
  type AffineMap,
  defaultTierName,
  identityMap,
  requireArguments,
  requireKeys,
  type Tier,
  type Transformation,
} from '@learngene/stitch'
import { copyOf, matrixOf, product, transpose } from '@learngene/stitch/linear-algebra'
import { alone, type Group } from '@learngene/training'
import {
  buildNetwork,
  copyParameters,
  disposeNetwork,
  type Network,
  type PartRegistry,
  parametersOf,
  structureOf,
} from '@learngene/vit-blocks'
import { tensor } from '@tensorflow/tfjs-core'
import type { AuxiliarySpec } from './auxiliary.js'

/** What tiers of an ancestor are cut from, computed once for all of them. */
export interface Inheritance {
  /** Whose it is. */
  readonly ancestor: Network
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
  requireArguments('openInheritance', { ancestor: ['network', ancestor], source: ['source', source], options: ['object', options] })
  const rotated = await rotate(ancestor, source, options)
  const { blockOrder: _, ...calibration } = options
  return { ancestor, rotated, calibration, dispose: () => disposeNetwork(rotated.network) }
}

export interface InheritOptions extends RotateOptions {
  /** What was computed before, from the same ancestor and images; default computed for this tier alone. */
  readonly from?: Inheritance
  /** Whether the tier is fitted to the ancestor in closed form (`refine`); otherwise it is a mere slice. Default true. */
  readonly fit?: boolean
}

/** An auxiliary that inherits: all is the ancestor's unless it is named. */
export type InheritedSpec = CutSize & Partial<Pick<AuxiliarySpec, 'name' | 'classes'>>

const SPEC_KEYS = ['width', 'depth', 'blocks', 'heads', 'mlpRatio', 'name', 'classes']
const INHERIT_OPTIONS = [...ROTATE_OPTIONS, 'from', 'fit']

/**
 * An auxiliary cut out of its ancestor, with the transformation matrix of every block: side `student`, R_s = E_s^T back to the ancestor's stream, and as bias what the tier does not
 * hold of the ancestor's mean. No training, no labels.
 *
 * @param spec any width that the heads divide and any depth up to the ancestor's
 * @throws when the size is not possible, a block kind does not say how it is cut, or `from` is of another ancestor or was disposed; nothing stays allocated then
 */
export async function inherit(ancestor: Network, spec: InheritedSpec, source: ImageSource, options: InheritOptions = {}): Promise<Tier> {
  requireArguments('inherit', {
    ancestor: ['network', ancestor],
    spec: ['object', spec],
    source: ['source', source],
    options: ['object', options],
  })
  requireKeys('inherit', spec, SPEC_KEYS)
  requireKeys('inherit', options, INHERIT_OPTIONS)
  const { from, fit = true, ...rotating } = options
  requireOwn('inherit', from, ancestor)
  const { name, classes = ancestor.head.classes, ...size } = spec
  const { width = ancestor.embedding.width } = size
  const inheritance = from ?? (await openInheritance(ancestor, source, { ...rotating, blockOrder: dropsBlocks(spec, ancestor) }))
  try {
    const { kinds, parts, report, signal } = options
    const slice = cut(inheritance.rotated, size, { kinds, parts })
    try {
      if (fit && !isWhole(slice.network, ancestor)) {
        await refine(inheritance.rotated, slice, source, { ...inheritance.calibration, kinds, report, signal })
      }
    } catch (error) {
      disposeNetwork(slice.network)
      throw error
    }
    const { standsFor } = slice
    const network = withClasses(slice.network, classes, parts)
    const mapAround = startingMaps(inheritance, width)
    return {
      name: name ?? defaultTierName(width, standsFor.length),
      network,
      standsFor,
      transformations: standsFor.map((block, position) => ({
        side: 'student',
        position,
        ancestorPosition: block,
        map: mapAround(inheritance.rotated.means[block]!),
      })),
    }
  } finally {
    if (!from) inheritance.dispose()
  }
}

/** The network with a classifier of so many classes: its own, or a fresh one of weights 0. */
function withClasses(network: Network, classes: number, parts?: PartRegistry): Network {
  if (classes === network.head.classes) return network
  const other = buildNetwork({ ...structureOf(network), classes }, parts)
  const kept = Object.entries(parametersOf(other)).filter(([name]) => !other.head.classifier.includes(name))
  copyParameters(parametersOf(network), Object.fromEntries(kept))
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
  grouped: InheritOptions & { readonly group?: Group } = {},
): Promise<Tier[]> {
  requireArguments('inheritTiers', { ancestor: ['network', ancestor], specs: ['object[]', specs], source: ['source', source] })
  requireKeys('inheritTiers', grouped, [...INHERIT_OPTIONS, 'group'])
  const { group = alone, ...options } = grouped
  requireArguments('inheritTiers', { group: ['object', group] })
  for (const spec of specs) requireKeys('inheritTiers', spec, SPEC_KEYS)
  const { from: given, fit = true, ...rotating } = options
  requireOwn('inheritTiers', given, ancestor)
  const blockOrder = specs.some((spec) => dropsBlocks(spec, ancestor))
  const from = given ?? (await openInheritance(ancestor, source, { ...rotating, blockOrder }))
  const tiers: Tier[] = []
  try {
    const widestFirst = [...specs.keys()].sort((a, b) => (specs[b]!.width ?? Infinity) - (specs[a]!.width ?? Infinity))
    const isMine = (index: number) => widestFirst.indexOf(index) % group.size === group.rank
    for (const [index, spec] of specs.entries()) {
      tiers.push(await inherit(ancestor, spec, source, { ...options, from, fit: fit && isMine(index) }))
    }
    if (group.size > 1) for (const [index, { network }] of tiers.entries()) await handRound(group, parametersOf(network), isMine(index))
    return tiers
  } catch (error) {
    for (const { network } of tiers) disposeNetwork(network)
    throw error
  } finally {
    if (!given) from.dispose()
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

/** Whether a cut of the ancestor has lost nothing: no width, block, head or unit. */
const isWhole = (network: Network, ancestor: Network) => JSON.stringify(structureOf(network)) === JSON.stringify(structureOf(ancestor))

/** Whether which blocks stay is the order's choice. */
const dropsBlocks = ({ blocks, depth }: InheritedSpec, ancestor: Network) =>
  !blocks && depth !== undefined && depth < ancestor.blocks.length

function requireOwn(where: string, from: Inheritance | undefined, ancestor: Network): void {
  if (from === undefined) return
  requireArguments(where, { from: ['inheritance', from] })
  if (from.ancestor !== ancestor) throw new Error(`${where}: from must be of this ancestor; it was opened for another network`)
  if (Object.values(parametersOf(from.rotated.network)).some(({ isDisposed }) => isDisposed)) {
    throw new Error(`${where}: from was disposed; open another inheritance, or dispose it after the last tier`)
  }
}

/** By a mean [D] of the ancestor's stream, the map from a tier's stream to it: R_s, and as bias what R_s does not give of the mean. */
function startingMaps({ rotated: { basis } }: Inheritance, width: number): (mean: Float64Array) => AffineMap {
  const embedding = embeddingOf(basis, width) // [D_s, D]
  const weight = Float32Array.from(copyOf(transpose(embedding)).data)
  return (mean) => {
    const kept = product(transpose(embedding), product(embedding, matrixOf(mean, basis.width, 1))).data
    return { inputs: width, outputs: basis.width, weight, bias: Float32Array.from(mean, (value, i) => value - kept[i]!) }
  }
}

/**
 * The ancestor itself as the widest tier, unchanged: a copy of its weights, every block standing for itself. `fineTune` leaves it as it is where it is named among
 * its `frozen` tiers.
 */
export function ancestorTier(ancestor: Network, options: Pick<InheritOptions, 'parts'> & { readonly name?: string } = {}): Tier {
  requireArguments('ancestorTier', { ancestor: ['network', ancestor], options: ['object', options] })
  const network = buildNetwork(structureOf(ancestor), options.parts)
  copyParameters(parametersOf(ancestor), parametersOf(network))
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
