import type { Rng } from '@learngene/interfaces'
import { describe, formatPath, type PathSpace, requireArguments, type StitchedPath } from '@learngene/stitch'

/** Which path a training step takes. Draws from the given generator only. */
export interface PathPolicy {
  /** @param part counts the paths of one step, from 0 */
  (rng: Rng, part?: number): StitchedPath
  /** How many paths a step takes where nothing else is asked for; default 1. */
  readonly pathsPerStep?: number
}

/** Every path is equally likely (SN-Net). */
export function uniformPaths(space: PathSpace): PathPolicy {
  requireArguments('uniformPaths', { space: ['space', space] })
  return (rng) => space.sample(rng)
}

/**
 * First a bin of the cost range, then a path of it, both uniformly: cheap and expensive paths are trained alike however many there are of each
 * (after SN-Netv2). Bins have equal width; empty ones are dropped. Lists the space.
 *
 * @param space or anything that enumerates paths
 * @param macs cost of a path
 * @throws when there is no path, or a cost is no number
 */
export function costBins(space: Pick<PathSpace, 'enumerate'>, macs: (path: StitchedPath) => number, bins = 10): PathPolicy {
  requireArguments('costBins', { space: ['paths', space], macs: ['function', macs] })
  if (!Number.isInteger(bins) || bins < 1) throw new Error(`costBins: bins must be a positive integer; got ${describe(bins)}`)
  const paths = [...space.enumerate()]
  const costs = paths.map(macs)
  const uncosted = costs.findIndex((cost) => !Number.isFinite(cost))
  if (paths.length === 0) throw new Error('costBins: there must be at least one path; got none')
  if (uncosted >= 0)
    throw new Error(
      `costBins: macs must give a number for every path; got ${describe(costs[uncosted])} for ${formatPath(paths[uncosted]!.path)}`,
    )
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

/**
 * The cheapest path, the most expensive one and random ones between them in every step (the sandwich rule of universally slimmable networks, arXiv 1903.05134): both ends of the family
 * are trained in each step, and what is between them improves with them. Lists the space.
 *
 * @param macs cost of a path
 * @param random paths per step besides the two ends; default 1
 * @throws when there is no path, a cost is no number, or `random` is not a whole number
 */
export function sandwich(space: Pick<PathSpace, 'enumerate'>, macs: (path: StitchedPath) => number, random = 1): PathPolicy {
  if (!Number.isInteger(random) || random < 0) throw new Error(`sandwich: random must be a whole number of paths; got ${describe(random)}`)
  const between = costBins(space, macs)
  const paths = [...space.enumerate()]
  const costs = paths.map(macs)
  const ends = [Math.min, Math.max].map((end) => paths[costs.indexOf(costs.reduce((a, b) => end(a, b)))]!)
  return Object.assign((rng: Rng, part = 0) => ends[part] ?? between(rng), { pathsPerStep: ends.length + random })
}
