import { requireKeys } from './arguments.js'

/** Learning rate of a step; steps count from 0. */
export type Schedule = (step: number) => number

export interface CosineOptions {
  /** Highest learning rate, reached after the warm-up. */
  readonly base: number
  /** Total number of steps, warm-up included. */
  readonly steps: number
  /** Steps of linear growth from `initial` to `base`; default 0. */
  readonly warmup?: number
  /** Learning rate of the first warm-up step, never above `base`; default 1e-6. */
  readonly initial?: number
  /** Learning rate that the cosine approaches at the end, never above `base`; default 1e-5. */
  readonly final?: number
}

/**
 * Linear warm-up, then half a cosine down to `final` (Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts). Where `base` is below one of the
 * ends it takes that end's place: the rate never exceeds `base`.
 *
 * @throws when a number is out of range or an option is unknown
 */
export function cosine(options: CosineOptions): Schedule {
  requireKeys('cosine', options, ['base', 'steps', 'warmup', 'initial', 'final'])
  const { base, steps, warmup = 0, initial = 1e-6, final = 1e-5 } = options
  if (!(base > 0) || !(steps > 0) || !(warmup >= 0 && warmup < steps)) {
    throw new Error(
      `cosine: base and steps must be positive and warmup less than steps; got base ${base}, steps ${steps}, warmup ${warmup}`,
    )
  }
  if (!(initial >= 0) || !(final >= 0)) throw new Error(`cosine: initial and final must be at least 0; got ${initial} and ${final}`)
  const [first, last] = [Math.min(initial, base), Math.min(final, base)]
  return (step) => {
    if (step < warmup) return first + ((base - first) * step) / warmup
    const progress = Math.min(1, (step - warmup) / (steps - warmup))
    return last + ((base - last) * (1 + Math.cos(Math.PI * progress))) / 2
  }
}
