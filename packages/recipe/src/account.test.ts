import { expect, it } from 'vitest'
import { keepAccount, readAccount } from './account.js'

it('adds up work, time and memory, over interruptions', async () => {
  const first = keepAccount()
  first.add({ images: 10, macs: 1e9 })
  first.add({ images: 5 })
  await new Promise((resolve) => setTimeout(resolve, 30))
  const before = first.current()
  expect(before).toMatchObject({ images: 15, macs: 1e9 })
  expect(before.seconds).toBeGreaterThan(0.02)
  const second = keepAccount({ ...before, seconds: 100, peakBytes: 2 ** 50 })
  second.add({ macs: 1 })
  expect(second.current()).toMatchObject({ images: 15, macs: 1e9 + 1, peakBytes: 2 ** 50 })
  expect(second.current().seconds).toBeGreaterThan(100)
})

it('knows the memory of the process, in bytes', () => {
  expect(keepAccount().current().peakBytes).toBeGreaterThan(2 ** 24)
  expect(keepAccount().current().peakBytes).toBe(process.resourceUsage().maxRSS * 1024)
})

it('refuses work that is no number', () => {
  expect(() => keepAccount().add({ images: Number.NaN })).toThrow('account: images must be a number of at least 0; got NaN')
  expect(() => keepAccount().add({ macs: -1 })).toThrow('account: macs must be a number of at least 0; got -1')
  expect(() => readAccount({ images: '1', macs: 0, seconds: 0 }, 'account')).toThrow(
    'account.images must be a number of at least 0; got "1"',
  )
})
