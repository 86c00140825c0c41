import type { ReportEvent } from '@learngene/interfaces'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { throttle } from './throttle.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('progress passes once an interval and when all is done, other events always', () => {
  const passed: ReportEvent[] = []
  const report = throttle((event) => passed.push(event), 100)
  for (let done = 1; done <= 10; done++) {
    report({ kind: 'progress', done, total: 10 })
    vi.advanceTimersByTime(40)
  }
  report({ kind: 'stage', name: 'next' })
  report({ kind: 'message', text: 'hello' })
  report({ kind: 'message', text: 'again' })
  expect(passed.map((event) => (event.kind === 'progress' ? event.done : event.kind))).toEqual([1, 4, 7, 10, 'stage', 'message', 'message'])
})
