import type { Rng } from '@learngene/interfaces'

/** A small seeded generator for this package's own tests (xorshift32; quality is of no concern here). */
export const testRng = (seed: number): Rng => {
  let state = (seed * 2654435761 + 1) >>> 0 || 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  for (let i = 0; i < 8; i++) next()
  const rng: Rng = {
    uniform: next,
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
    integer: (bound) => Math.floor(next() * bound),
    permutation(length) {
      const order = Uint32Array.from({ length }, (_, i) => i)
      for (let i = length - 1; i > 0; i--) {
        const j = rng.integer(i + 1)
        const kept = order[i]!
        order[i] = order[j]!
        order[j] = kept
      }
      return order
    },
    fork: (label) => testRng([...label].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) >>> 0, seed)),
  }
  return rng
}
