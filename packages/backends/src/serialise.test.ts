import { expect, test } from 'vitest'
import { serialise } from './serialise.js'

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test('tasks run one after the other, in order, and a failed one does not stop the rest', async () => {
  const events: string[] = []
  const task = (name: string, ms: number) => async () => {
    events.push(`${name} starts`)
    await pause(ms)
    events.push(`${name} ends`)
    if (name === 'b') throw new Error('b failed')
    return name
  }
  const results = await Promise.allSettled([serialise(task('a', 20)), serialise(task('b', 1)), serialise(task('c', 5))])
  expect(events).toEqual(['a starts', 'a ends', 'b starts', 'b ends', 'c starts', 'c ends'])
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})
