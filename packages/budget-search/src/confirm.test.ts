import { describe, expect, it, vi } from 'vitest'
import { confirm } from './confirm.js'
import { scored } from './fixtures.js'
import type { Scored } from './result.js'

const candidates = ['a', 'b', 'c', 'd', 'e'].map((key, i) => scored(key, { macs: 10 + i, latency: 5 }, i / 10))
/** What they take in truth: the best by score, e, is the slowest. */
const truth: { readonly [key: string]: number } = { a: 1, b: 4, c: 6, d: 5.1, e: 9 }
const measure = vi.fn(async (some: readonly Scored<string>[]) => some.map(({ key }) => ({ latency: truth[key]! })))

describe('confirm', () => {
  it('takes the best whose fresh measure keeps the cap, and tells what was passed over', async () => {
    const { chosen, measured } = await confirm(candidates, measure, { latency: 5 }, { atOnce: 2 })
    expect(chosen).toMatchObject({ candidate: { key: 'b' }, fresh: { latency: 4 }, keeps: true })
    expect(measured.map(({ candidate, keeps }) => [candidate.key, keeps])).toEqual([['e', false], ['d', false], ['c', false], ['b', true]]) // biome-ignore format: short
    expect(measure.mock.calls.map(([some]) => some.map(({ key }) => key))).toEqual([['e', 'd'], ['c', 'b']]) // biome-ignore format: short
  })

  it('keeps the other caps of the budget too', async () => {
    const { chosen } = await confirm(candidates, measure, { latency: 5, macs: 10 })
    expect(chosen?.candidate.key).toBe('a')
  })

  it('says where none keeps it, and stops where it is told to', async () => {
    expect((await confirm(candidates, measure, { latency: 0.5 })).chosen).toBeUndefined()
    const { chosen, measured } = await confirm(candidates, measure, { latency: 1 }, { most: 2 })
    expect([chosen, measured.length]).toEqual([undefined, 2])
  })

  it('refuses a measure that does not answer for each', async () => {
    await expect(confirm(candidates, () => [], {})).rejects.toThrow('expected a list of 3, got an array of 0')
    await expect(confirm(candidates, undefined as never, {})).rejects.toThrow('measure must be a function: got undefined')
  })
})
