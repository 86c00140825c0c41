import type { Rng } from '@learngene/interfaces'

const limbBits = 24

/** A uniform integer in [0, bound) of any size: random bits, drawn again while they reach the bound. */
export function randomBelow(bound: bigint, rng: Rng): bigint {
  const bits = (bound - 1n).toString(2).length
  for (;;) {
    let value = 0n
    for (let drawn = 0; drawn < bits; drawn += limbBits) {
      const width = Math.min(limbBits, bits - drawn)
      value = (value << BigInt(width)) | BigInt(rng.integer(2 ** width))
    }
    if (value < bound) return value
  }
}
