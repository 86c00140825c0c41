import type { Rng } from '@learngene/interfaces'
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'

/**
 * A seeded generator (xoroshiro128+): the same seed gives the same numbers on every machine and backend. (`normal` goes through Math.log,
 * sin and cos, whose last bit may differ between JavaScript engines.)
 *
 * @param seed an integer; parts of a computation take forks of one generator rather than seeds of their own
 * @throws when the seed is not a safe integer
 */
export function createRng(seed: number): Rng {
  if (!Number.isSafeInteger(seed)) throw new Error(`createRng: the seed must be an integer; got ${seed}`)
  return fromName(String(seed))
}

function fromName(name: string): Rng {
  const generator = xoroshiro128plusFromState(stateOf(name))
  const uniform = () => ((generator.next() >>> 5) * 2 ** 26 + (generator.next() >>> 6)) / 2 ** 53
  let spare: number | undefined
  const integer = (bound: number) => {
    if (!Number.isInteger(bound) || bound < 1) throw new Error(`Rng.integer: the bound must be a positive integer; got ${bound}`)
    return Math.floor(uniform() * bound)
  }
  return {
    uniform,
    integer,
    normal() {
      if (spare !== undefined) {
        const value = spare
        spare = undefined
        return value
      }
      const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
      const angle = 2 * Math.PI * uniform()
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
    permutation(length) {
      const order = Uint32Array.from({ length }, (_, i) => i)
      for (let i = length - 1; i > 0; i--) {
        const j = integer(i + 1)
        const swapped = order[i]!
        order[i] = order[j]!
        order[j] = swapped
      }
      return order
    },
    fork: (label) => fromName(`${name}/${label.length}:${label}`),
  }
}

/**
 * 128 bits from a name: two FNV-1a hashes with different constants, then MurmurHash3's finaliser. Without the latter, names that differ in
 * their last letter give similar states, and so similar first numbers.
 */
function stateOf(name: string): [number, number, number, number] {
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (const byte of new TextEncoder().encode(name)) {
    a = Math.imul(a ^ byte, 0x01000193)
    b = Math.imul(b ^ byte, 0x85ebca6b)
  }
  const c = mix(a)
  const d = mix(b)
  return [c, d, mix(c ^ (d >>> 1)), mix(d + 0x9e3779b9)]
}

function mix(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
