import type { Rng } from '@learngene/interfaces'
import { formatPath, type Path } from '../paths/path.js'
import type { PathSpace } from '../paths/path-space.js'
import { defaultTierName, type TierShape } from '../paths/tiers.js'

/** A tier with its default name. */
export const tier = (width: number, depth: number): TierShape => ({ name: defaultTierName(width, depth), width, depth })

export const tiSmBa = [tier(192, 12), tier(384, 12), tier(768, 12)]

export const texts = (space: PathSpace): string[] => [...space.enumerate()].map(({ path }) => formatPath(path))

/** The number of blocks that only one of two paths runs, by listing them. */
export function distance(a: Path, b: Path): number {
  const [x, y] = [blocks(a), blocks(b)]
  return [...x].filter((block) => !y.has(block)).length + [...y].filter((block) => !x.has(block)).length
}

function blocks({ segments }: Path): Set<string> {
  return new Set(segments.flatMap(({ tier, first, last }) => Array.from({ length: last - first + 1 }, (_, i) => `${tier}.${first + i}`)))
}

/** Uniform numbers from a 32-bit counter through a mixing function; enough for tests of sampling. */
export function testRng(seed: number): Rng {
  let state = seed >>> 0
  const uniform = () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
  const unused = () => {
    throw new Error('path spaces draw uniform numbers and integers only')
  }
  return { uniform, integer: (bound) => Math.floor(uniform() * bound), normal: unused, permutation: unused, fork: unused }
}

/** A generator that weights can be drawn from. */
export function weightRng(seed: number): Rng {
  const uniform = testRng(seed)
  return {
    ...uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform.uniform())) * Math.cos(2 * Math.PI * uniform.uniform()),
    fork: (label) => weightRng([...label].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), seed ^ 0x811c9dc5)),
  }
}
