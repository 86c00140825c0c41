import { requireArguments } from '@learngene/vit-blocks'
import { isTierName } from './tier-shape.js'

/** Consecutive blocks `first` to `last` (both inclusive, counted from 0) of one tier. */
export interface Segment {
  readonly tier: string
  readonly first: number
  readonly last: number
}

/**
 * Which blocks a descendant runs, in order. A frozen value: two paths are the same if and only if their texts (`formatPath`) are, so the text is
 * the key for maps and sets.
 */
export interface Path {
  readonly segments: readonly Segment[]
}

/** What is wrong with a segment that follows `previous`, or undefined. */
export function segmentProblem({ tier, first, last }: Segment, previous?: Segment): string | undefined {
  if (!isTierName(tier)) return `a tier name starts with a letter, then letters, digits, "_", "." or "-", got ${JSON.stringify(tier)}`
  for (const block of [first, last]) {
    if (!Number.isSafeInteger(block) || block < 0) return `a block number is an integer of at least 0, got ${block}`
  }
  if (first > last) return `a segment's first block must not come after its last, got ${tier}[${first}-${last}]`
  if (previous?.tier === tier) return `two segments in a row must be of different tiers, got ${tier} twice; merge them into one segment`
  return undefined
}

/**
 * Makes a path of its segments.
 *
 * @throws if there is no segment, a tier name or block number is malformed, a segment runs backwards, or two segments in a row are of one tier.
 */
export function createPath(segments: readonly Segment[]): Path {
  requireArguments('createPath', { segments: ['object[]', segments] })
  if (segments.length === 0) throw new Error('a path has at least one segment, got none; a single tier of 9 blocks is ti9[0-8]')
  segments.forEach((segment, index) => {
    const problem = segmentProblem(segment, segments[index - 1])
    if (problem) throw new Error(`segment ${index} of the path: ${problem}`)
  })
  return Object.freeze({ segments: Object.freeze(segments.map(({ tier, first, last }) => Object.freeze({ tier, first, last }))) })
}

/**
 * Total order of paths for sorting: segment by segment by tier name (code units), first block, last block; a path comes before its own extensions.
 * Negative, 0 (the same path) or positive. Path spaces enumerate in an order of their own.
 */
export function comparePaths(a: Path, b: Path): number {
  requireArguments('comparePaths', { a: ['path', a], b: ['path', b] })
  for (const [index, x] of a.segments.entries()) {
    const y = b.segments[index]
    if (!y) return 1
    if (x.tier !== y.tier) return x.tier < y.tier ? -1 : 1
    const difference = x.first - y.first || x.last - y.last
    if (difference !== 0) return difference
  }
  return a.segments.length - b.segments.length
}
