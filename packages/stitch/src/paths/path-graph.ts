import { createPath, type Path } from './path.js'
import type { StitchedPath } from './path-space.js'
import type { StitchSlot } from './stitch-slot.js'
import type { TierShape } from './tier-shape.js'

/** Block pair `leave` -> `land` through a stitch, tiers by index. */
export interface Move {
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
export interface Route {
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
