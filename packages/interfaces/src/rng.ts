/** Seeded randomness, passed explicitly. The same seed gives the same numbers on every machine. */
export interface Rng {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Standard normal. */
  normal(): number
  /** Uniform integer in [0, bound). */
  integer(bound: number): number
  /** A permutation of 0 .. length-1. */
  permutation(length: number): Uint32Array
  /** An independent generator that depends on this one's seed and the label only, not on what was drawn before. */
  fork(label: string): Rng
}
