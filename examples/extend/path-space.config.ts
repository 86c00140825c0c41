// A path space of one's own: one switch between neighbouring tiers, after any block of the first half, to the block of the same place.
// npx learngene run --config examples/extend/path-space.config.ts --out runs/path-space
import { createPathSpace, type SpaceFactory, stitchSlot } from '@learngene/stitch'
import { defineConfig } from 'learngene'
import { small } from './small.js'

const early: SpaceFactory = (tiers, { share }) => {
  const slots = tiers.slice(1).flatMap((back, i) => {
    const front = tiers[i]!
    const last = Math.min(Math.ceil(front.depth * Number(share)), front.depth - 1, back.depth - 1)
    // A stitch of its own for each switch: leaves the front after block j, lands at block j + 1 of the back.
    return Array.from({ length: last }, (_, j) => stitchSlot(front, back, j, [{ j, m: j + 1 }]))
  })
  return createPathSpace({ kind: 'early', tiers, slots, maxStitches: 1 })
}

export default defineConfig({
  ...small,
  space: { kind: 'early', share: 0.5 },
  registry: { spaces: { early } },
})
