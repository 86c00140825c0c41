import '@tensorflow/tfjs-backend-cpu'
import { memory, setBackend, tensor } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { ahead } from './ahead.js'

test('a step is prepared while the one before it runs, each once', async () => {
  const events: string[] = []
  const { next } = ahead(async (step) => {
    events.push(`begin ${step}`)
    await new Promise((resolve) => setTimeout(resolve, 0))
    events.push(`end ${step}`)
  }, 3)
  for (let step = 0; step < 3; step++) {
    await next(step)
    events.push(`run ${step}`)
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  expect(events).toEqual(['begin 0', 'end 0', 'begin 1', 'run 0', 'end 1', 'begin 2', 'run 1', 'end 2', 'run 2'])
})

test('a failure comes to the step that it belongs to', async () => {
  const { next } = ahead((step) => (step === 1 ? Promise.reject(new Error('cat.png: cannot be decoded')) : Promise.resolve()), 3)
  await next(0)
  await new Promise((resolve) => setTimeout(resolve, 0))
  await expect(next(1)).rejects.toThrow('cat.png: cannot be decoded')
})

test('nothing to prepare costs nothing', async () => {
  await expect(ahead(undefined, 2).next(0)).resolves.toBeUndefined()
})

test('what nobody takes is freed, also where it is still under way', async () => {
  await setBackend('cpu')
  const before = memory().numTensors
  const { next, dispose } = ahead(async (step) => {
    await new Promise((resolve) => setTimeout(resolve, 0))
    return tensor([step])
  }, 3)
  const first = await next(0)
  dispose()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await first.data()).toEqual(Float32Array.of(0))
  first.dispose()
  expect(memory().numTensors).toBe(before)
})
