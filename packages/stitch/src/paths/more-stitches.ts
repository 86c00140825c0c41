import { json, requireArguments } from '@learngene/vit-blocks'
import type { Path, StitchedPath } from './path.js'
import { createPathSpace, type PathSpace } from './path-space.js'

/**
 * The paths that the stitches of a space make when they follow each other: its stitches and no others, at most so many on one path, each leaving its tier at or after the block where
 * the one before has landed. What a pool has trained it can run so, though it enumerates fewer. Has neither early exits nor paths that a space of one's own makes otherwise.
 *
 * @throws if maxStitches is not an integer of at least 1
 */
export function moreStitches(space: PathSpace, maxStitches: number): PathSpace {
  requireArguments('moreStitches', { space: ['space', space] })
  if (!Number.isSafeInteger(maxStitches) || maxStitches < 1)
    throw new Error(`moreStitches: maxStitches must be an integer of at least 1; got ${json.describe(maxStitches)}`)
  return createPathSpace({ kind: space.kind, tiers: space.tiers, slots: [...space.stitchIds()], maxStitches })
}

/** The path with its stitches, where the space has it or its stitches make it; else undefined. */
export function findWithStitches(space: PathSpace, path: Path): StitchedPath | undefined {
  requireArguments('findWithStitches', { space: ['space', space], path: ['path', path] })
  const stitches = path.segments.length - 1
  return space.find(path) ?? (stitches > 0 ? moreStitches(space, stitches).find(path) : undefined)
}
