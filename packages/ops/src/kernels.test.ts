import { afterEach, expect, test } from 'vitest'
import { getOps, type OpsMode, setOps } from './kernels.js'

afterEach(() => setOps('auto'))

test('the mode is auto until it is set', () => {
  expect(getOps()).toBe('auto')
  setOps('reference')
  expect(getOps()).toBe('reference')
})

test('an unknown mode is refused and changes nothing', () => {
  expect(() => setOps('fast' as OpsMode)).toThrow("setOps takes 'auto' or 'reference', got 'fast'")
  expect(getOps()).toBe('auto')
})
