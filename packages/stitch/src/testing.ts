import type { Rng } from '@learngene/interfaces'
import { testRng } from './paths/testing.js'

/** A generator that weights can be drawn from. */
export function weightRng(seed: number): Rng {
  const uniform = testRng(seed)
  return {
    ...uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform.uniform())) * Math.cos(2 * Math.PI * uniform.uniform()),
    fork: (label) => weightRng([...label].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), seed ^ 0x811c9dc5)),
  }
}
