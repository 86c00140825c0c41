import type { Rng } from '@learngene/interfaces'

/** A seeded generator for tests: mulberry32. */
export function createRng(seed: number): Rng {
  let state = seed >>> 0
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (bound: number) => Math.floor(uniform() * bound)
  return {
    uniform,
    integer,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    permutation(length) {
      const order = Uint32Array.from({ length }, (_, i) => i)
      for (let i = length - 1; i > 0; i--) {
        const j = integer(i + 1)
        ;[order[i], order[j]] = [order[j]!, order[i]!]
      }
      return order
    },
    fork: (label) => createRng([...label].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), seed ^ 0x811c9dc5)),
  }
}
