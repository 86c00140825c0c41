import type { Rng } from '@learngene/interfaces'
import type { PathSpace, StitchedPath } from '@learngene/stitch'

/** Which path a training step takes. Draws from the given generator only. */
export type PathPolicy = (rng: Rng) => StitchedPath

/** Every path is equally likely (SN-Net). */
export function uniformPaths(space: PathSpace): PathPolicy {
  return (rng) => space.sample(rng)
}

/**
 * First a bin of the cost range, then a path of it, both uniformly: cheap and expensive paths are trained alike however many there are of each
 * (after SN-Netv2). Bins have equal width; empty ones are dropped. Lists the space.
 *
 * @param macs cost of a path
 */
export function costBins(space: PathSpace, macs: (path: StitchedPath) => number, bins = 10): PathPolicy {
  const paths = [...space.enumerate()]
  const costs = paths.map(macs)
  const least = costs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const most = costs.reduce((a, b) => Math.max(a, b), 0)
  const filled: StitchedPath[][] = Array.from({ length: bins }, () => [])
  paths.forEach((path, i) => {
    const position = most > least ? (costs[i]! - least) / (most - least) : 0
    filled[Math.min(bins - 1, Math.floor(position * bins))]!.push(path)
  })
  const kept = filled.filter(({ length }) => length > 0)
  return (rng) => {
    const bin = kept[rng.integer(kept.length)]!
    return bin[rng.integer(bin.length)]!
  }
}
