import { startBackend } from '@learngene/testing'
import { dispose, ones, tidy, variable } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { fixedBytes } from './fixed-bytes.js'

test('counts all variables, and of those that are trained the gradients and what is remembered', async () => {
  await startBackend('cpu')
  const before = fixedBytes()
  const [trained, frozen] = tidy(() => [variable(ones([2, 3])), variable(ones([5]))])
  expect(fixedBytes() - before).toBe(4 * (6 + 5))
  expect(fixedBytes({ trained }, 2) - before).toBe(4 * (6 + 5 + 3 * 6))
  dispose([trained, frozen])
  expect(fixedBytes()).toBe(before)
})
