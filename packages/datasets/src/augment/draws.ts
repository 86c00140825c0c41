import type { Rng } from '@learngene/interfaces'

/** What an augmentation draws from. */
export type Draws = Pick<Rng, 'uniform' | 'normal' | 'integer'>

/** 128 bits, so that what they lead to can be drawn on another thread. */
export type Seed = readonly [number, number, number, number]

export const seedFrom = (rng: Draws): Seed => [rng.integer(2 ** 32), rng.integer(2 ** 32), rng.integer(2 ** 32), rng.integer(2 ** 32)]

/** A generator of 32 bits with a counter (sfc32 of Chris Doty-Humphrey's PractRand): the same draws for a seed on every thread. */
export const drawsFrom = (seed: Seed): Draws => {
  let [a, b, c, counter] = seed
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) next()
  const uniform = () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    integer: (bound) => Math.floor(uniform() * bound),
  }
}
