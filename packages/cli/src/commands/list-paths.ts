import type { Cost } from '@learngene/interfaces'
import { buildPool } from '@learngene/learngene-pool'
import { costOfPath, defaultTierName } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { createViT, withoutWeights } from '@learngene/vit-blocks'
import type { PathsOptions } from './paths.js'

export interface PathRow extends Cost {
  /** Position in the path space. */
  readonly id: number
  readonly path: string
}

export interface TierSize {
  readonly width: number
  readonly depth: number
  readonly heads: number
}

/**
 * Every path of a pool of the given tiers with its cost. No weight is allocated.
 *
 * @throws when the sizes do not fit together, and what `buildPool` throws
 */
export function listPaths(tiers: readonly TierSize[], options: PathsOptions): PathRow[] {
  const { imageSize, patchSize, channels, classes, kernel, stride, pairs } = options
  // Never drawn from: there are no weights.
  const rng = createRng(0)
  return withoutWeights(() => {
    const pool = buildPool(
      tiers.map((size) => ({
        name: defaultTierName(size.width, size.depth),
        network: createViT({ ...size, imageSize, patchSize, channels, classes }, rng),
        transformations: [],
      })),
      { space: { kind: 'slidingWindow', kernel, stride, pairs } },
      rng,
    )
    return Array.from(pool.space.enumerate(), (path, id) => ({ id, path: pool.space.key(path), ...costOfPath(pool, path) }))
  })
}
