import { composeLatency, type LatencyProfile } from '@learngene/bench/latency'
import { descendantsOf, disposePool } from '@learngene/learngene-pool'
import { loadPool } from '@learngene/learngene-pool/node'
import { parsePath } from '@learngene/stitch'
import { ownRegistry } from '../run/own-values.js'
import { startBackend } from '../start-backend.js'
import type { MeasuredPool } from './measure-run.js'

/**
 * Times of a pool's paths in ms to six digits, composed from a profile.
 *
 * @throws where the pool cannot be read or lacks a path, or the profile lacks one of its parts
 */
export async function composePaths(
  { pool: dir, configFile }: Pick<MeasuredPool, 'pool' | 'configFile'>,
  profile: LatencyProfile,
  paths: readonly string[],
): Promise<number[]> {
  await startBackend('cpu')
  const registry = await ownRegistry(configFile)
  const pool = await loadPool(dir, { parts: registry, spaces: registry?.spaces })
  try {
    const found = paths.map((text) => {
      const path = pool.space.find(parsePath(text))
      if (!path) throw new Error(`${dir} must have the path ${text}, as the run's report says; it does not`)
      return path
    })
    return descendantsOf(pool, found).map((network) => Number(composeLatency(profile, network).toPrecision(6)))
  } finally {
    disposePool(pool)
  }
}
