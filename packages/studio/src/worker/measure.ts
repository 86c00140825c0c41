import { latencyOf, measureLatency } from '@learngene/budget-search'
import type { LatencyFigure } from './messages.js'

/** Runs of a path that are not timed, and that are, in each pass: the first pass finds the page and its kernels cold. */
const WARMUP = 2
const RUNS = 12
const PASSES = 2

/** Milliseconds after which no further run of a slow network is awaited in a pass. */
const ENOUGH = 1_000
const FEWEST = 3

/**
 * Times networks one run at a time, so that whoever measures can answer in between; all of them once, and then once more.
 *
 * @param paths in the order in which they are measured
 * @param run one forward pass of a path, down to reading its result
 */
export function createMeasurement(paths: readonly string[], run: (path: string) => Promise<unknown>) {
  const left = Array.from({ length: PASSES }, () => paths).flat()
  const times = new Map<string, number[]>()
  let warm = 0
  let now: number[] = []
  return {
    isDone: () => left.length === 0,
    /** One more run. @returns a path's figure after the last one of a pass */
    async step(): Promise<LatencyFigure | undefined> {
      const [path] = left
      if (path === undefined) return undefined
      const { median: time } = await measureLatency(() => run(path), { warmup: 0, runs: 1 })
      if (warm < WARMUP) {
        warm++
        return undefined
      }
      now.push(time)
      const isEnough = now.length >= FEWEST && now.reduce((sum, each) => sum + each, 0) > ENOUGH
      if (now.length < RUNS && !isEnough) return undefined
      const all = [...(times.get(path) ?? []), ...now]
      times.set(path, all)
      left.shift()
      warm = 0
      now = []
      const { median, spread } = latencyOf(all)
      return { path, median, spread, runs: all.length }
    },
  }
}
