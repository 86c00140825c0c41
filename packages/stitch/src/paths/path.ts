import { describe, requireArguments } from '@learngene/vit-blocks'
import { isTierName } from './tiers.js'

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

/** One switch of tiers on a path: after block `from`, through the stitch `id`, on with block `to`. */
export interface PathStitch {
  /** The slot this switch shares with others, `ti9>ba9#3`. */
  readonly id: string
  readonly from: { readonly tier: string; readonly block: number }
  readonly to: { readonly tier: string; readonly block: number }
}

/** A path and the stitch between each two of its segments. */
export interface StitchedPath {
  readonly path: Path
  readonly stitches: readonly PathStitch[]
}

/** What is wrong with a segment that follows `previous`, or undefined. */
function segmentProblem({ tier, first, last }: Segment, previous?: Segment): string | undefined {
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

/** The canonical text of a path, `ti9[0-5]>ba9[6-8]`; a segment of one block reads `ti9[5-5]`. */
export function formatPath(path: Path): string {
  requireArguments('formatPath', { path: ['path', path] })
  return path.segments.map(({ tier, first, last }) => `${tier}[${first}-${last}]`).join('>')
}

/**
 * Reads a path, the inverse of `formatPath`. Also accepts `ti9[5]` for `ti9[5-5]`; nothing else is optional, spaces and leading zeros are refused.
 *
 * @throws one line that names the position (counted from 0), what was expected there and what came.
 */
export function parsePath(text: string): Path {
  if (typeof text !== 'string') throw new Error(`parsePath: a path's text reads like ti9[0-5]>ba9[6-8]; got ${describe(text)}`)
  let position = 0
  const fail = (problem: string, start = position): never => {
    throw new Error(`a path reads like ti9[0-5]>ba9[6-8]: at position ${start} of ${quote(text)} ${problem}`)
  }
  const read = (pattern: RegExp, expected: string): string => {
    pattern.lastIndex = position
    const found = pattern.exec(text)
    if (!found) return fail(`expected ${expected}, got ${position < text.length ? quote(text.charAt(position)) : 'the end'}`)
    position += found[0].length
    return found[0]
  }
  const readBlock = () => Number(read(/0(?!\d)|[1-9]\d*/y, 'a block number without leading zeros'))
  const segments: Segment[] = []
  do {
    const start = position
    const tier = read(/[A-Za-z][A-Za-z0-9_.-]*/y, 'a tier name, which starts with a letter')
    read(/\[/y, '"[" and the blocks of the tier')
    const first = readBlock()
    const close = read(/[\]-]/y, '"-" and the last block, or "]"')
    const last = close === ']' ? first : readBlock()
    if (close === '-') read(/\]/y, '"]"')
    const segment = { tier, first, last }
    const problem = segmentProblem(segment, segments.at(-1))
    if (problem) fail(problem, start)
    segments.push(segment)
  } while (position < text.length && read(/>/y, '">" or the end'))
  return createPath(segments)
}

/** The text on one line, cut where it is too long to read. */
function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}...` : text)
}
