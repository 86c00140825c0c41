import type { ReportEvent } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { fetchProgress, PermanentError, wait, withRetries } from './transfer.js'

describe('retry', () => {
  const failing = (times: number, error = new Error('weak')) => {
    let calls = 0
    return { attempt: async () => (calls++ < times ? Promise.reject(error) : calls), calls: () => calls }
  }

  it('tries again until it succeeds, patiently', async () => {
    const { attempt } = failing(3)
    const start = performance.now()
    expect(await withRetries(attempt, { retries: 3, retryDelay: 10 })).toBe(4)
    expect(performance.now() - start).toBeGreaterThan(10 + 20 + 40 - 5)
  })

  it('gives up after the last retry, and at once when it is of no use', async () => {
    const weak = failing(3)
    await expect(withRetries(weak.attempt, { retries: 2, retryDelay: 0 })).rejects.toThrow('weak')
    expect(weak.calls()).toBe(3)
    const hopeless = failing(1, new PermanentError('hopeless'))
    await expect(withRetries(hopeless.attempt, { retryDelay: 0 })).rejects.toThrow('hopeless')
    expect(hopeless.calls()).toBe(1)
  })

  it('asks whether an error may pass, where it is told how', async () => {
    const { attempt, calls } = failing(3, new TypeError('odd'))
    await expect(withRetries(attempt, { retryDelay: 0 }, (error) => !(error instanceof TypeError))).rejects.toThrow('odd')
    expect(calls()).toBe(1)
  })

  it('stops waiting when it is aborted', async () => {
    const abort = new AbortController()
    const { attempt, calls } = failing(9)
    const running = withRetries(attempt, { retryDelay: 60_000, signal: abort.signal })
    await wait(5)
    abort.abort(new Error('stop'))
    await expect(running).rejects.toThrow('stop')
    await expect(withRetries(attempt, { signal: abort.signal })).rejects.toThrow('stop')
    expect(calls()).toBe(1)
  })
})

describe('progress', () => {
  it('reports a transfer in at most a hundred steps and always its end', () => {
    const events: ReportEvent[] = []
    const progress = fetchProgress((event) => events.push(event), 'fetch x', 1000)
    for (let i = 0; i < 1000; i++) progress(1)
    expect(events[0]).toEqual({ kind: 'stage', name: 'fetch x', total: 1000 })
    expect(events.at(-1)).toEqual({ kind: 'progress', done: 1000, total: 1000 })
    expect(events.length).toBe(101)
  })

  it('counts on from what is there, and never beyond the whole', () => {
    const events: ReportEvent[] = []
    const progress = fetchProgress((event) => events.push(event), 'x', 100, 60)
    progress(20)
    progress(40)
    expect(events.slice(1)).toMatchObject([{ done: 80 }, { done: 100 }])
    expect(() => fetchProgress(undefined, 'x', 1)(1)).not.toThrow()
  })
})
