import { expect, test } from 'vitest'
import { ahead } from './ahead.js'

test('a step is prepared while the one before it runs, each once', async () => {
  const events: string[] = []
  const ready = ahead(async (step) => {
    events.push(`begin ${step}`)
    await new Promise((resolve) => setTimeout(resolve, 0))
    events.push(`end ${step}`)
  }, 3)
  for (let step = 0; step < 3; step++) {
    await ready(step)
    events.push(`run ${step}`)
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  expect(events).toEqual(['begin 0', 'end 0', 'begin 1', 'run 0', 'end 1', 'begin 2', 'run 1', 'end 2', 'run 2'])
})

test('a failure comes to the step that it belongs to', async () => {
  const ready = ahead((step) => (step === 1 ? Promise.reject(new Error('cat.png: cannot be decoded')) : Promise.resolve()), 3)
  await ready(0)
  await new Promise((resolve) => setTimeout(resolve, 0))
  await expect(ready(1)).rejects.toThrow('cat.png: cannot be decoded')
})

test('nothing to prepare costs nothing', async () => {
  await expect(ahead(undefined, 2)(0)).resolves.toBeUndefined()
})
