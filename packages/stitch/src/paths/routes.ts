import type { Algebra, Completions } from './completions.js'
import type { Move, PathGraph, Route } from './path-graph.js'

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
