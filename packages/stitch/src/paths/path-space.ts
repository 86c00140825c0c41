import type { Rng, SearchSpace } from '@learngene/interfaces'
import { json, requireArguments } from '@learngene/vit-blocks'
import { formatPath, type Path, type StitchedPath } from './path.js'
import {
  chooseRoute,
  completions,
  counting,
  mostStitches,
  movesOf,
  nearbyRoutes,
  nearestRoute,
  type PathGraph,
  routeOf,
  routes,
  stitchedPath,
} from './path-graph.js'
import { checkSlots, checkTiers, type StitchSlot, type TierShape } from './tiers.js'

/**
 * A set of paths that is never listed in memory. With a `cost` it is a `SearchSpace`: `{ ...space, cost }`. Distances between paths are numbers of
 * blocks that only one of the two runs.
 */
export interface PathSpace extends Omit<SearchSpace<StitchedPath>, 'cost'> {
  readonly tiers: readonly TierShape[]
  /** The name of the enumeration. */
  readonly kind: string
  /** By number of stitches, then start tier, then stitch by stitch: back tier, window, j, m. Constant memory. */
  enumerate(): Iterable<StitchedPath>
  /** The number of paths, computed without listing them; rounded above 2^53, where `exactCount` is not. */
  count(): number
  exactCount(): bigint
  /** The path that `enumerate` gives at this index, without listing those before it. Throws outside 0 .. count - 1. */
  at(index: number | bigint): StitchedPath
  /** The path with its stitches, or undefined where the space does not have it. */
  find(path: Path): StitchedPath | undefined
  /** The nearest path of the space, itself where the space has it, the first in the order of enumeration among equally near ones. */
  nearest(path: Path): StitchedPath
  /** Uniform over all paths. */
  sample(rng: Rng): StitchedPath
  /** Another path of the space, the likelier the nearer (a third per block of distance); the same only where there is no other. */
  mutate(value: StitchedPath, rng: Rng): StitchedPath
  /** The path's text. */
  key(value: StitchedPath): string
  /** Which blocks the path runs: 1 or 0 for each block of each tier, the tiers in order. */
  features?(value: StitchedPath): readonly number[]
  /** Every stitch of the space with all block pairs that share it. */
  stitchIds(): Iterable<StitchSlot>
}

/** What makes a path space. */
export interface PathRules {
  readonly kind: string
  /** Ascending by width, with names of their own. */
  readonly tiers: readonly TierShape[]
  /** The stitches, see `stitchSlot`. No block pair stands in two of them, so that a path determines its stitches. */
  readonly slots: readonly StitchSlot[]
  /** At most so many on one path. */
  readonly maxStitches: number
  /** Whether a path may end after any block; otherwise it runs its last tier to the end. */
  readonly earlyExits?: boolean
}

/** A mutation that has drawn the path itself this often gives up on near paths and draws uniformly. */
const mutationDraws = 16

/**
 * Builds a path space: each path starts at block 0 of a tier, switches tiers through the slots, and leaves no tier before its landing block.
 *
 * @throws when the tiers are not as every space wants them, a slot joins tiers or blocks that are not there, or two slots have one name or one block pair
 */
export function createPathSpace(rules: PathRules): PathSpace {
  requireArguments('createPathSpace', { rules: ['object', rules] })
  const { kind, tiers, slots, maxStitches, earlyExits = false } = rules
  checkTiers(tiers)
  checkSlots(slots, tiers)
  if (!Number.isSafeInteger(maxStitches) || maxStitches < 0) {
    throw new Error(`createPathSpace: maxStitches must be an integer of at least 0; got ${json.describe(maxStitches)}`)
  }
  const moves = movesOf(tiers, slots)
  const most = mostStitches({ tiers, moves, maxStitches })
  const graph: PathGraph = {
    tiers,
    moves,
    maxStitches: most,
    firstEnds: tiers.map(({ depth }) => (earlyExits ? 0 : depth - 1)),
  }
  const counts = completions(graph, counting)
  let total = 0n
  for (const tier of tiers.keys()) {
    for (let stitches = 0; stitches <= most; stitches += 1) total += counts(tier, 0, stitches)
  }

  const space: PathSpace = {
    kind,
    tiers,
    *enumerate() {
      for (const route of routes(graph, counts)) yield stitchedPath(graph, route)
    },
    count: () => Number(total),
    exactCount: () => total,
    at(index) {
      if ((typeof index === 'number' && !Number.isSafeInteger(index)) || index < 0 || index >= total) {
        throw new Error(`an index into this path space is an integer from 0 to ${total - 1n}, got ${index}`)
      }
      let left = BigInt(index)
      return stitchedPath(
        graph,
        chooseRoute(graph, counting, counts, (weights) => {
          let option = 0
          for (; left >= weights[option]!; option += 1) left -= weights[option]!
          return option
        }),
      )
    },
    find(path) {
      requireArguments('find', { path: ['path', path] })
      const route = routeOf(graph, path)
      return route && stitchedPath(graph, route)
    },
    nearest(path) {
      requireArguments('nearest', { path: ['path', path] })
      return stitchedPath(graph, nearestRoute(graph, path))
    },
    sample(rng) {
      requireArguments('sample', { rng: ['rng', rng] })
      return space.at(randomBelow(total, rng))
    },
    mutate(value, rng) {
      requireArguments('mutate', { value: ['stitchedPath', value], rng: ['rng', rng] })
      const key = formatPath(value.path)
      const draw = nearbyRoutes(graph, value.path)
      for (let drawn = 0; drawn < mutationDraws; drawn += 1) {
        const near = stitchedPath(graph, draw(rng))
        if (formatPath(near.path) !== key) return near
      }
      let other = space.sample(rng)
      while (formatPath(other.path) === key && total > 1n) other = space.sample(rng)
      return other
    },
    key(value) {
      requireArguments('key', { value: ['stitchedPath', value] })
      return formatPath(value.path)
    },
    features(value) {
      requireArguments('features', { value: ['stitchedPath', value] })
      const { segments } = value.path
      return tiers.flatMap(({ name, depth }) =>
        Array.from({ length: depth }, (_, i) =>
          segments.some(({ tier, first, last }) => tier === name && first <= i && i <= last) ? 1 : 0,
        ),
      )
    },
    stitchIds: () => slots,
  }
  return space
}

const limbBits = 24

/** A uniform integer in [0, bound) of any size: random bits, drawn again while they reach the bound. */
export function randomBelow(bound: bigint, rng: Rng): bigint {
  const bits = (bound - 1n).toString(2).length
  for (;;) {
    let value = 0n
    for (let drawn = 0; drawn < bits; drawn += limbBits) {
      const width = Math.min(limbBits, bits - drawn)
      value = (value << BigInt(width)) | BigInt(rng.integer(2 ** width))
    }
    if (value < bound) return value
  }
}
