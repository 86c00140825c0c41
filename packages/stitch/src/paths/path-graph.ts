import type { Rng } from '@learngene/interfaces'
import { createPath, type Path, type StitchedPath } from './path.js'
import type { StitchSlot, TierShape } from './tiers.js'

/** Block pair `leave` -> `land` through a stitch, tiers by index. */
interface Move {
  readonly id: string
  readonly from: number
  readonly leave: number
  readonly to: number
  readonly land: number
}

/** The rules of a path space: paths start at block 0 of any tier, switch tiers by moves, at most `maxStitches` times, and end. */
export interface PathGraph {
  readonly tiers: readonly TierShape[]
  /** By front tier, in the order of enumeration. */
  readonly moves: readonly (readonly Move[])[]
  readonly maxStitches: number
  /** By tier, the first block after which a path may end. */
  readonly firstEnds: readonly number[]
}

/** A path by indices: the tier it starts in, its moves, and the last block it runs. */
interface Route {
  readonly start: number
  readonly moves: readonly Move[]
  readonly end: number
}

/** The moves of the slots by front tier; back tiers ascend by index, within a back tier slots and pairs keep their order. */
export function movesOf(tiers: readonly TierShape[], slots: readonly StitchSlot[]): Move[][] {
  const index = new Map(tiers.map(({ name }, tier) => [name, tier]))
  const moves = slots.flatMap(({ id, fromTier, toTier, pairs }) =>
    pairs.map(({ j, m }): Move => ({ id, from: index.get(fromTier)!, leave: j, to: index.get(toTier)!, land: m })),
  )
  moves.sort((a, b) => a.to - b.to)
  return tiers.map((_, tier) => moves.filter(({ from }) => from === tier))
}

export function stitchedPath({ tiers }: PathGraph, { start, moves, end }: Route): StitchedPath {
  const name = (tier: number) => tiers[tier]!.name
  const segments = [...moves, undefined].map((move, index) => {
    const entry = moves[index - 1]
    return { tier: name(entry?.to ?? start), first: entry?.land ?? 0, last: move?.leave ?? end }
  })
  const stitches = moves.map(({ id, from, leave, to, land }) => ({
    id,
    from: { tier: name(from), block: leave },
    to: { tier: name(to), block: land },
  }))
  return { path: createPath(segments), stitches }
}

/** The route of a path, or undefined where the graph does not have it. */
export function routeOf({ tiers, moves, maxStitches, firstEnds }: PathGraph, { segments }: Path): Route | undefined {
  const index = (name: string) => tiers.findIndex((tier) => tier.name === name)
  const start = index(segments[0]!.tier)
  const end = segments.at(-1)!.last
  const lastTier = tiers[index(segments.at(-1)!.tier)]
  if (start < 0 || segments[0]!.first !== 0 || !lastTier || segments.length - 1 > maxStitches) return undefined
  if (end < firstEnds[tiers.indexOf(lastTier)]! || end >= lastTier.depth) return undefined
  const taken: Move[] = []
  for (const [position, { tier, first }] of segments.entries()) {
    const before = segments[position - 1]
    if (!before) continue
    const move = moves[index(before.tier)]?.find(({ leave, to, land }) => leave === before.last && to === index(tier) && land === first)
    if (!move) return undefined
    taken.push(move)
  }
  return { start, moves: taken, end }
}

/**
 * A semiring with a weight for every block. The weight of a path is the product over the blocks it runs; a set of paths weighs the sum.
 * Counting, finding the nearest path and drawing neighbours are this one computation with three algebras.
 */
interface Algebra<W> {
  readonly zero: W
  readonly one: W
  plus(a: W, b: W): W
  times(a: W, b: W): W
  block(tier: number, block: number): W
}

/** The most stitches that a path can have: fewer than are allowed where there are no more moves ahead. */
export function mostStitches({ tiers, moves, maxStitches }: Pick<PathGraph, 'tiers' | 'moves' | 'maxStitches'>): number {
  const blocks = tiers.reduce((sum, { depth }) => sum + depth, 0)
  // Of each tier the first block that a path can land on: it can be left from there wherever it can be left from a later one.
  let first = tiers.map(() => 0)
  for (let stitches = 0; stitches < maxStitches; stitches += 1) {
    const next = tiers.map(() => Number.POSITIVE_INFINITY)
    for (const [tier, block] of first.entries())
      for (const { leave, to, land } of moves[tier]!) if (leave >= block) next[to] = Math.min(next[to]!, land)
    if (next.every((block) => block === Number.POSITIVE_INFINITY)) return stitches
    // Who passes more blocks than there are goes round in circles.
    if (stitches > blocks) return maxStitches
    first = next
  }
  return maxStitches
}

/** The total weight of all ways to go on from before `block` of `tier` with exactly `stitches` more stitches. */
type Completions<W> = (tier: number, block: number, stitches: number) => W

/** Computes the completions by dynamic programming, block by block from behind: O(maxStitches x (blocks + moves)). */
export function completions<W>(graph: PathGraph, { zero, one, plus, times, block: weigh }: Algebra<W>): Completions<W> {
  const table: W[][][] = []
  for (let stitches = 0; stitches <= graph.maxStitches; stitches += 1) {
    table.push(
      graph.tiers.map(({ depth }, tier) => {
        const after = new Array<W>(depth).fill(zero)
        if (stitches === 0) after.fill(one, graph.firstEnds[tier])
        else {
          for (const { leave, to, land } of graph.moves[tier]!) after[leave] = plus(after[leave]!, table[stitches - 1]![to]![land]!)
        }
        const totals = new Array<W>(depth + 1).fill(zero)
        for (let block = depth - 1; block >= 0; block -= 1) {
          totals[block] = times(weigh(tier, block), plus(totals[block + 1]!, after[block]!))
        }
        return totals
      }),
    )
  }
  return (tier, block, stitches) => table[stitches]![tier]![block]!
}

/** Weighs every path 1: the completions are numbers of paths. */
export const counting: Algebra<bigint> = {
  zero: 0n,
  one: 1n,
  plus: (a, b) => a + b,
  times: (a, b) => a * b,
  block: () => 1n,
}

/** All routes by number of stitches, start tier, then move by move in the order of the graph. Holds one route at a time. */
export function* routes(graph: PathGraph, counts: Completions<bigint>): Generator<Route> {
  for (let stitches = 0; stitches <= graph.maxStitches; stitches += 1) {
    for (const start of graph.tiers.keys()) yield* routesFrom(graph, counts, start, [], stitches)
  }
}

function* routesFrom(
  graph: PathGraph,
  counts: Completions<bigint>,
  start: number,
  moves: readonly Move[],
  stitches: number,
): Generator<Route> {
  const { tier, block } = position(start, moves)
  if (stitches === 0) {
    for (const end of endsFrom(graph, tier, block)) yield { start, moves, end }
    return
  }
  for (const move of movesFrom(graph, tier, block)) {
    const deadEnd = counts(move.to, move.land, stitches - 1) === 0n
    if (!deadEnd) yield* routesFrom(graph, counts, start, [...moves, move], stitches - 1)
  }
}

/**
 * Builds one route by asking at every fork: how many stitches, which start tier, which move, which end. The options come in the order of
 * `routes`, each with the total weight of the routes behind it; `choose` returns the index of one.
 */
export function chooseRoute<W>(
  graph: PathGraph,
  algebra: Algebra<W>,
  rest: Completions<W>,
  choose: (weights: readonly W[]) => number,
): Route {
  const { plus, times } = algebra
  const starts = [...graph.tiers.keys()]
  const stitches = choose(
    Array.from({ length: graph.maxStitches + 1 }, (_, count) =>
      starts.map((tier) => rest(tier, 0, count)).reduce((a, b) => plus(a, b), algebra.zero),
    ),
  )
  const start = choose(starts.map((tier) => rest(tier, 0, stitches)))
  const moves: Move[] = []
  while (moves.length < stitches) {
    const { tier, block } = position(start, moves)
    const options = movesFrom(graph, tier, block)
    const run = runWeights(graph, algebra, tier, block)
    const left = stitches - moves.length - 1
    moves.push(options[choose(options.map(({ leave, to, land }) => times(run[leave]!, rest(to, land, left))))]!)
  }
  const { tier, block } = position(start, moves)
  const ends = endsFrom(graph, tier, block)
  const run = runWeights(graph, algebra, tier, block)
  return { start, moves, end: ends[choose(ends.map((end) => run[end]!))]! }
}

function position(start: number, moves: readonly Move[]): { tier: number; block: number } {
  const last = moves.at(-1)
  return last ? { tier: last.to, block: last.land } : { tier: start, block: 0 }
}

function movesFrom({ moves }: PathGraph, tier: number, block: number): Move[] {
  return moves[tier]!.filter(({ leave }) => leave >= block)
}

function endsFrom({ tiers, firstEnds }: PathGraph, tier: number, block: number): number[] {
  const first = Math.max(block, firstEnds[tier]!)
  return Array.from({ length: tiers[tier]!.depth - first }, (_, index) => first + index)
}

/** By last block, the weight of running `first` .. last. */
function runWeights<W>({ tiers }: PathGraph, { one, times, block }: Algebra<W>, tier: number, first: number): W[] {
  const weights: W[] = []
  let weight = one
  for (let last = first; last < tiers[tier]!.depth; last += 1) {
    weight = times(weight, block(tier, last))
    weights[last] = weight
  }
  return weights
}

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
