import type { PathGraph } from './path-graph.js'

/**
 * A semiring with a weight for every block. The weight of a path is the product over the blocks it runs; a set of paths weighs the sum.
 * Counting, finding the nearest path and drawing neighbours are this one computation with three algebras.
 */
export interface Algebra<W> {
  readonly zero: W
  readonly one: W
  plus(a: W, b: W): W
  times(a: W, b: W): W
  block(tier: number, block: number): W
}

/** The total weight of all ways to go on from before `block` of `tier` with exactly `stitches` more stitches. */
export type Completions<W> = (tier: number, block: number, stitches: number) => W

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
