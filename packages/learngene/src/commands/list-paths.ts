import type { Cost } from '@learngene/interfaces'
import { buildPool, type Pool } from '@learngene/learngene-pool'
import { costOfPath, createSpace, defaultTierName, type SpaceSpec } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { createViT, withoutWeights } from '@learngene/vit-blocks'

export interface PathsOptions {
  readonly widths?: readonly number[]
  readonly depth?: number
  readonly depths?: readonly number[]
  readonly heads?: readonly number[]
  readonly imageSize: number
  readonly patchSize: number
  readonly channels: number
  readonly classes: number
  readonly kernel: number
  readonly stride: number
  readonly pairs: 'nearest' | 'all'
  readonly space: SpaceSpec['kind']
  readonly convention: 'full' | 'snnet'
}

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
 * Every path of a pool of the given tiers with its cost, one at a time. No weight is allocated.
 *
 * @throws when the sizes do not fit together, and what `buildPool` throws, before the first path
 */
export function listPaths(tiers: readonly TierSize[], options: PathsOptions): Iterable<PathRow> {
  const { imageSize, patchSize, channels, classes, convention } = options
  // Never drawn from: there are no weights.
  const rng = createRng(0)
  const pool = withoutWeights(() =>
    buildPool(
      tiers.map((size) => ({
        name: nameOf(size),
        network: createViT({ ...size, imageSize, patchSize, channels, classes }, rng),
        transformations: [],
      })),
      { space: spaceOf(options) },
      rng,
    ),
  )
  return rowsOf(pool, convention)
}

function* rowsOf(pool: Pool, convention: PathsOptions['convention']): Generator<PathRow> {
  let id = 0
  for (const path of pool.space.enumerate()) yield { id: id++, path: pool.space.key(path), ...costOfPath(pool, path, { convention }) }
}

/** How many paths {@link listPaths} would list, exactly, without listing them. @throws what makes a space impossible */
export function countPaths(tiers: readonly TierSize[], options: PathsOptions): bigint {
  const shapes = tiers.map((size) => ({ name: nameOf(size), width: size.width, depth: size.depth }))
  return createSpace(spaceOf(options), shapes).exactCount()
}

const nameOf = ({ width, depth }: TierSize) => defaultTierName(width, depth)

const spaceOf = ({ space: kind, kernel, stride, pairs }: PathsOptions): SpaceSpec => ({ kind, kernel, stride, pairs })
