import { afterEach, describe, expect, it, vi } from 'vitest'
import { measureLatency } from './latency.js'

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
    expect(await measureLatency(run, { warmup: 0, runs: 2 })).toEqual({ median: 15, spread: 5, times: [10, 20] })
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
