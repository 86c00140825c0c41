import type { ReportEvent } from '@learngene/interfaces'
import { expect, it } from 'vitest'
import { numberedDataset, numbers } from './dataset.fixture.js'
import { inMemory } from './in-memory.js'

const stored = numberedDataset([0, 1, 2, 1])
const slow = { ...stored, picture: async (index: number) => stored.picture(index) }

it('has every picture at hand, and is otherwise the same', async () => {
  const events: ReportEvent[] = []
  const dataset = await inMemory(slow, { report: (event) => events.push(event) })
  expect(numbers(dataset)).toEqual([0, 1, 2, 3])
  expect(dataset).toMatchObject({ name: 'numbered', length: 4, classes: stored.classes, labels: stored.labels })
  expect([dataset.nameOf(2), await dataset.fingerprint()]).toEqual([stored.nameOf(2), await stored.fingerprint()])
  expect(events).toEqual([1, 2, 3, 4].map((done) => ({ kind: 'progress', done, total: 4 })))
  expect(() => dataset.picture(4)).toThrow('numbered: image indices are integers from 0 to 3, got 4')
})

it('says which picture cannot be read, and stops where the signal aborts', async () => {
  const failing = { ...slow, picture: async () => Promise.reject(new Error('b.png: cannot be decoded')) }
  await expect(inMemory(failing)).rejects.toThrow('b.png: cannot be decoded')
  await expect(inMemory(slow, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
})
