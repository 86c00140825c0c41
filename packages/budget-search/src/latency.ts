import { describe, requireFunction, requireInteger } from './arguments.js'

/** Times in milliseconds. */
export interface Latency {
  readonly median: number
  /** The first decile: what a run takes where nothing interrupts it, on a machine that does other things as well. */
  readonly decile: number
  /** Interquartile range: the third quartile minus the first. */
  readonly spread: number
  /** In which the median lies with 95 % certainty, by bootstrap (Efron 1979) of the timed runs. */
  readonly interval: readonly [number, number]
  /** Every timed run, in order. */
  readonly times: readonly number[]
}

/** The q-quantile of ascending numbers, interpolated linearly between neighbours. */
const quantile = (ascending: readonly number[], q: number): number => {
  const position = q * (ascending.length - 1)
  const below = ascending[Math.floor(position)]!
  const above = ascending[Math.ceil(position)]!
  return below + (above - below) * (position - Math.floor(position))
}

const resamples = 400

/** Medians of as many draws, with replacement, of as many times; the draws are the same in every call. */
const bootstrapMedians = (ascending: readonly number[]): number[] => {
  let state = 1
  const draw = (): number => {
    state = Math.imul(state, 1664525) + 1013904223
    return ascending[Math.floor(((state >>> 0) / 2 ** 32) * ascending.length)]!
  }
  return Array.from({ length: resamples }, () => quantile(sorted(ascending.map(draw)), 0.5))
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)

/** What times, in milliseconds, say of a latency. Throws where there is none. */
export const latencyOf = (times: readonly number[]): Latency => {
  if (!Array.isArray(times) || times.length === 0) throw new Error(`times must be a list of at least one: got ${describe(times)}`)
  const ascending = sorted(times)
  const medians = sorted(bootstrapMedians(ascending))
  const [first, third] = [quantile(ascending, 0.25), quantile(ascending, 0.75)]
  return {
    median: quantile(ascending, 0.5),
    decile: quantile(ascending, 0.1),
    spread: third - first,
    interval: [quantile(medians, 0.025), quantile(medians, 0.975)],
    times,
  }
}

/**
 * Times `run`, one call after the other, awaiting each. `warmup` calls (3) come first and are not timed; then `runs` calls (20) are.
 * What runs asynchronously on a device must be awaited inside `run`, down to reading a result, or only its submission is timed.
 *
 * Throws where `warmup` is not an integer of at least 0 or `runs` not one of at least 1.
 */
export const measureLatency = async (
  run: () => unknown,
  { warmup = 3, runs = 20 }: { readonly warmup?: number; readonly runs?: number } = {},
): Promise<Latency> => {
  requireFunction('run', run)
  requireInteger('warmup', warmup, 0)
  requireInteger('runs', runs, 1)
  for (let i = 0; i < warmup; i++) await run()
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    await run()
    times.push(performance.now() - start)
  }
  return latencyOf(times)
}
