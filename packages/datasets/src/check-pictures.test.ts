import type { Dataset } from '@learngene/interfaces'
import { expect, it } from 'vitest'
import { checkPictures, readableOnly, requireReadable } from './check-pictures.js'
import { numberedDataset, numbers } from './dataset.fixture.js'

/** Of which those of the given numbers cannot be decoded. */
const partly = (length: number, broken: readonly number[]): Dataset => {
  const whole = numberedDataset(new Array(length).fill(0))
  return {
    ...whole,
    nameOf: (index) => `${index}.jpg`,
    picture(index) {
      if (!broken.includes(index)) return whole.picture(index)
      const wait = new Promise((resolve) => setTimeout(resolve, broken.length - broken.indexOf(index)))
      return wait.then(() => Promise.reject(new Error(index % 2 ? `${index}.jpg: cut off` : 'premature end')))
    },
  }
}

it('finds the pictures that cannot be read, in their order, and reports how far it is', async () => {
  const seen: number[] = []
  const report = (event: object) => seen.push((event as { done: number }).done)
  expect(await checkPictures(partly(20, [3, 4, 17]), { report, concurrency: 4 })).toEqual([
    { index: 3, name: '3.jpg', reason: '3.jpg: cut off' },
    { index: 4, name: '4.jpg', reason: 'premature end' },
    { index: 17, name: '17.jpg', reason: '17.jpg: cut off' },
  ])
  expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
})

it('stops where the signal aborts, and does not take that for a fault of a picture', async () => {
  const controller = new AbortController()
  const dataset = { ...partly(9, []), picture: () => Promise.reject(new Error('stopped')) }
  const checked = checkPictures(dataset, { signal: controller.signal, report: () => controller.abort(new Error('enough')) })
  await expect(checked).rejects.toThrow('enough')
})

it('leaves out what cannot be read', async () => {
  const { dataset, unreadable } = await readableOnly(partly(5, [1, 3]))
  expect([numbers(dataset), unreadable.map(({ name }) => name)]).toEqual([
    [0, 2, 4],
    ['1.jpg', '3.jpg'],
  ])
  const whole = partly(3, [])
  expect(await readableOnly(whole)).toEqual({ dataset: whole, unreadable: [] })
  await expect(readableOnly(partly(2, [0, 1]))).rejects.toThrow(
    'numbered: all 2 pictures must be readable, 2 are not: 0.jpg: premature end; 1.jpg',
  )
})

it('tells all faults in one line', async () => {
  await requireReadable(partly(4, []))
  await expect(requireReadable(partly(4, [1, 2]))).rejects.toThrow(
    'numbered: all 4 pictures must be readable, 2 are not: 1.jpg: cut off; 2.jpg: premature end; mend or remove them, or train on readableOnly(dataset)',
  )
  const many = partly(
    14,
    Array.from({ length: 13 }, (_, i) => i),
  )
  await expect(requireReadable(many)).rejects.toThrow(/13 are not: 0\.jpg: .*; 9\.jpg: cut off and 3 more; mend/)
})
