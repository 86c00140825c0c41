import type { Rng } from '@learngene/interfaces'
import { type Algebra, completions } from './completions.js'
import type { Path } from './path.js'
import type { PathGraph, Route } from './path-graph.js'
import { chooseRoute } from './routes.js'

/**
 * The route that is nearest to a path, which need not be in the graph; the first in the order of enumeration among equally near ones. The distance of
 * two paths is the number of blocks that only one of them runs.
 */
export function nearestRoute(graph: PathGraph, path: Path): Route {
  const runs = blocksOf(graph, path)
  // A shared block saves one from the distance |a| + |b| - 2 |shared|, a foreign one adds one; the constant |path| is left out.
  const distance: Algebra<number> = {
    zero: Number.POSITIVE_INFINITY,
    one: 0,
    plus: Math.min,
    times: (a, b) => a + b,
    block: (tier, block) => (runs(tier, block) ? -1 : 1),
  }
  return chooseRoute(graph, distance, completions(graph, distance), (weights) => weights.indexOf(Math.min(...weights)))
}

/** How much rarer a path becomes with each block that differs. */
const rarity = 3

/** Draws routes near a path: the probability falls by a factor of 3 with every block of distance, and every route of the graph can come. */
export function nearbyRoutes(graph: PathGraph, path: Path): (rng: Rng) => Route {
  const runs = blocksOf(graph, path)
  const closeness: Algebra<number> = {
    zero: 0,
    one: 1,
    plus: (a, b) => a + b,
    times: (a, b) => a * b,
    block: (tier, block) => (runs(tier, block) ? rarity : 1 / rarity),
  }
  const rest = completions(graph, closeness)
  return (rng) => chooseRoute(graph, closeness, rest, (weights) => drawIndex(weights, rng))
}

/** Whether the path runs a block, by tier index. */
function blocksOf({ tiers }: PathGraph, path: Path): (tier: number, block: number) => boolean {
  const segments = tiers.map(({ name }) => path.segments.filter(({ tier }) => tier === name))
  return (tier, block) => segments[tier]!.some(({ first, last }) => first <= block && block <= last)
}

function drawIndex(weights: readonly number[], rng: Rng): number {
  let left = rng.uniform() * weights.reduce((sum, weight) => sum + weight, 0)
  const drawn = weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
  // Rounding can leave a remainder behind the last option.
  return drawn >= 0 ? drawn : weights.findLastIndex((weight) => weight > 0)
}
