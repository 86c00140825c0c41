import type { JsonObject } from '@learngene/interfaces'
import { json, requireArguments, requireKeys } from '@learngene/vit-blocks'
import type { PathSpace } from './path-space.js'
import {
  type AlignedOptions,
  aligned,
  earlyExits,
  type MultiStitchOptions,
  multiStitch,
  singleTiers,
  slidingWindow,
  twoWay,
  type WindowOptions,
} from './spaces.js'
import type { TierShape } from './tiers.js'

/** A path space as plain data, for manifests and configurations: of a standard kind, or of a kind of one's own with whatever it needs. */
export type SpaceSpec =
  | ({ readonly kind: 'slidingWindow' } & WindowOptions)
  | ({ readonly kind: 'multiStitch' } & MultiStitchOptions)
  | ({ readonly kind: 'aligned' } & AlignedOptions)
  | { readonly kind: 'singleTiers' }
  | { readonly kind: 'earlyExits' }
  | { readonly kind: 'twoWay' }
  | (JsonObject & { readonly kind: string })

/** Makes the path space of some tiers, ascending by width, from its specification. Must not depend on anything but its arguments. */
export type SpaceFactory = (tiers: readonly TierShape[], spec: JsonObject) => PathSpace

/** Path spaces by kind. */
export type SpaceRegistry = { readonly [kind: string]: SpaceFactory }

/** The kinds that every specification may name. */
export const standardSpaces: SpaceRegistry = { slidingWindow, multiStitch, aligned, singleTiers, earlyExits, twoWay }

const OPTIONS: { readonly [kind: string]: readonly string[] } = {
  slidingWindow: ['kernel', 'stride', 'pairs'],
  multiStitch: ['kernel', 'stride', 'pairs', 'maxStitches'],
  aligned: ['stride', 'maxStitches', 'pairs'],
  singleTiers: [],
  earlyExits: [],
  twoWay: [],
}

/**
 * Checks a specification before there are tiers to make its space of: a standard kind is tried on tiers of one block.
 *
 * @param tiers how many it will be made of
 * @param spaces as `createSpace` takes them; only their own factories know what these ask for
 * @throws when the kind is unknown, an option is unknown, or what its factory throws for an option or that many tiers
 */
export function checkSpace(spec: SpaceSpec, tiers: number, spaces: SpaceRegistry = {}): void {
  const { kind } = spec
  if (Object.hasOwn(spaces, kind)) return
  if (Object.hasOwn(OPTIONS, kind)) requireKeys(`space '${kind}'`, spec, ['kind', ...OPTIONS[kind]!])
  const shapes = Array.from({ length: tiers }, (_, i) => ({ name: `tier${i}`, width: i + 1, depth: 1, standsFor: [0] }))
  createSpace(spec, shapes)
}

/**
 * The path space that a specification describes.
 *
 * @param spaces kinds besides {@link standardSpaces}; one of the same name takes precedence
 * @throws when the kind is unknown, naming those that are known, or its factory gives no path space; what the factory throws
 */
export function createSpace(spec: SpaceSpec, tiers: readonly TierShape[], spaces: SpaceRegistry = {}): PathSpace {
  requireArguments('createSpace', { spec: ['object', spec], spaces: ['object', spaces] })
  const factories = new Map(Object.entries({ ...standardSpaces, ...spaces }))
  const factory = factories.get(spec.kind)
  if (typeof factory !== 'function') {
    const known = [...factories.keys()]
    throw new Error(
      `path space: the kind must be ${known.slice(0, -1).join(', ')} or ${known.at(-1)}; got ${json.describe(spec.kind)}. Pass one of your own: { spaces: { KIND: (tiers, spec) => createPathSpace(...) } }`,
    )
  }
  const space = factory(tiers, spec as JsonObject)
  requireArguments(`path space '${spec.kind}'`, { 'what its factory gives': ['space', space] })
  return space
}
