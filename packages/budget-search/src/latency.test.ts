import { afterEach, describe, expect, it, vi } from 'vitest'
import { seededRng } from './fixtures.js'
import { latencyOf, measureLatency } from './latency.js'

/** Makes the clock stand still but for `advance`. */
const manualClock = () => {
  let now = 1000
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  return (milliseconds: number) => {
    now += milliseconds
  }
}

afterEach(() => vi.restoreAllMocks())

describe('measureLatency', () => {
  it('leaves the warm-up out and gives median and interquartile range', async () => {
    const advance = manualClock()
    const durations = [900, 800, 7, 1, 5, 3, 100]
    const { median, spread, times } = await measureLatency(() => advance(durations.shift()!), { warmup: 2, runs: 5 })
    expect(times).toEqual([7, 1, 5, 3, 100])
    expect(median).toBe(5)
    expect(spread).toBe(4)
  })

  it('interpolates between two middle runs and awaits each run', async () => {
    const advance = manualClock()
    const durations = [10, 20]
    const run = async () => {
      await Promise.resolve()
      advance(durations.shift()!)
    }
    expect(await measureLatency(run, { warmup: 0, runs: 2 })).toMatchObject({ median: 15, spread: 5, times: [10, 20] })
  })

  it('calls run 3 + 20 times unless told otherwise', async () => {
    const run = vi.fn()
    expect((await measureLatency(run)).times).toHaveLength(20)
    expect(run).toHaveBeenCalledTimes(23)
  })

  it('passes a failure on and refuses bad counts', async () => {
    await expect(measureLatency(() => Promise.reject(new Error('device lost')))).rejects.toThrow('device lost')
    await expect(measureLatency(() => {}, { runs: 0 })).rejects.toThrow('runs must be an integer of at least 1: got 0')
    await expect(measureLatency(() => {}, { warmup: -1 })).rejects.toThrow('warmup must be an integer of at least 0: got -1')
  })
})

describe('latencyOf', () => {
  it('gives an interval around the median that narrows with more runs, the same each time', () => {
    const runs = (count: number) => Array.from({ length: count }, (_, i) => 10 + ((i * 7919) % 101) / 100)
    const width = ({ interval: [low, high] }: { readonly interval: readonly [number, number] }) => high - low
    for (const count of [9, 100]) {
      const { median, interval } = latencyOf(runs(count))
      expect(interval[0]).toBeLessThanOrEqual(median)
      expect(interval[1]).toBeGreaterThanOrEqual(median)
    }
    expect(width(latencyOf(runs(1000)))).toBeLessThan(width(latencyOf(runs(30))) / 2)
    expect(latencyOf(runs(30))).toEqual(latencyOf(runs(30)))
    expect(latencyOf([3]).interval).toEqual([3, 3])
  })

  it('covers the true median about as often as it says', () => {
    const rng = seededRng(1)
    const covered = Array.from({ length: 300 }, () => {
      const { interval } = latencyOf(Array.from({ length: 40 }, () => 5 + rng.uniform() ** 2))
      return interval[0] <= 5.25 && 5.25 <= interval[1]
    })
    expect(covered.filter(Boolean).length / 300).toBeGreaterThan(0.9)
  })

  it('refuses what is no list of times', () => {
    expect(() => latencyOf([])).toThrow('times must be a list of at least one: got an array of 0')
    expect(() => latencyOf(undefined as never)).toThrow('times must be a list of at least one: got undefined')
  })
})
