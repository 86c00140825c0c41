import { requireArguments } from '@learngene/vit-blocks'
import { completions, counting } from './completions.js'
import { nearbyRoutes, nearestRoute } from './neighbours.js'
import { movesOf, type PathGraph, routeOf, stitchedPath } from './path-graph.js'
import type { PathSpace } from './path-space.js'
import { formatPath } from './path-text.js'
import { randomBelow } from './random-below.js'
import { chooseRoute, routes } from './routes.js'
import type { StitchSlot } from './stitch-slot.js'
import type { TierShape } from './tier-shape.js'

/** What makes a path space. */
export interface PathRules {
  readonly kind: string
  /** As `checkTiers` wants them. */
  readonly tiers: readonly TierShape[]
  /** No block pair stands in two slots, so that a path determines its stitches. */
  readonly slots: readonly StitchSlot[]
  readonly maxStitches: number
  /** Whether a path may end after any block; otherwise it runs its last tier to the end. */
  readonly earlyExits?: boolean
}

/** A mutation that has drawn the path itself this often gives up on near paths and draws uniformly. */
const mutationDraws = 16

/** Builds a path space: each path starts at block 0 of a tier, switches tiers through the slots, and leaves no tier before its landing block. */
export function createPathSpace({ kind, tiers, slots, maxStitches, earlyExits = false }: PathRules): PathSpace {
  const graph: PathGraph = {
    tiers,
    moves: movesOf(tiers, slots),
    maxStitches,
    firstEnds: tiers.map(({ depth }) => (earlyExits ? 0 : depth - 1)),
  }
  const counts = completions(graph, counting)
  let total = 0n
  for (const tier of tiers.keys()) {
    for (let stitches = 0; stitches <= maxStitches; stitches += 1) total += counts(tier, 0, stitches)
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
    stitchIds: () => slots,
  }
  return space
}
