/** Learning rate of a step; steps count from 0. */
export type Schedule = (step: number) => number

export interface CosineOptions {
  /** Highest learning rate, reached after the warm-up. */
  readonly base: number
  /** Total number of steps, warm-up included. */
  readonly steps: number
  /** Steps of linear growth from `initial` to `base`; default 0. */
  readonly warmup?: number
  /** Learning rate of the first warm-up step; default 1e-6. */
  readonly initial?: number
  /** Learning rate that the cosine approaches at the end; default 1e-5. */
  readonly final?: number
}

/** Linear warm-up, then half a cosine down to `final` (Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts). */
export function cosine({ base, steps, warmup = 0, initial = 1e-6, final = 1e-5 }: CosineOptions): Schedule {
  if (!(base > 0) || !(steps > 0) || !(warmup >= 0 && warmup < steps)) {
    throw new Error(
      `cosine: base and steps must be positive and warmup less than steps; got base ${base}, steps ${steps}, warmup ${warmup}`,
    )
  }
  return (step) => {
    if (step < warmup) return initial + ((base - initial) * step) / warmup
    const progress = Math.min(1, (step - warmup) / (steps - warmup))
    return final + ((base - final) * (1 + Math.cos(Math.PI * progress))) / 2
  }
}
