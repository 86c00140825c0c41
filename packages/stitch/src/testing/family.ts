import { createViT } from '@learngene/vit-blocks'
import { type StitchedFamily, shapeOfTier } from '../family.js'
import { slidingWindow } from '../paths/index.js'
import { createStitches } from '../stitches.js'
import { weightRng } from './paths.js'

/** Two tiers of random weights for images [8, 8, 1], `w4` and another, that a window slides over. */
export function smallFamily({ depth, width }: { readonly depth: number; readonly width: number }): StitchedFamily {
  const config = { imageSize: 8, patchSize: 4, channels: 1, depth, heads: 2, classes: 3 } as const
  const tiers = [4, width].map((each) => ({
    name: `w${each}`,
    network: createViT({ ...config, width: each }, weightRng(each)),
    transformations: [],
  }))
  const space = slidingWindow(tiers.map(shapeOfTier))
  return { tiers, space, stitches: createStitches(space, weightRng(1)) }
}
