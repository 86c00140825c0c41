import type { ReportEvent } from '@learngene/interfaces'
import { expect, it } from 'vitest'
import { fetchProgress } from './progress.js'

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
