import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { batches } from './batches.js'
import { testRng } from './rng.fixture.js'

describe('batches', () => {
  it('keeps the order and the short batch unless told otherwise', () => {
    expect([...batches(5, 2)].map((batch) => [...batch])).toEqual([[0, 1], [2, 3], [4]])
    expect([...batches(5, 2, { dropLast: true })].map((batch) => [...batch])).toEqual([
      [0, 1],
      [2, 3],
    ])
  })

  it('holds every image once, in batches of one size but for the last', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 70 }),
        fc.option(fc.nat(), { nil: undefined }),
        (length, size, seed) => {
          const epoch = [...batches(length, size, seed === undefined ? {} : { rng: testRng(seed) })]
          expect(epoch.flatMap((batch) => [...batch]).sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i))
          expect(epoch.slice(0, -1).every((batch) => batch.length === size)).toBe(true)
        },
      ),
      { seed: 1 },
    )
  })

  it('shuffles by the seed, anew for each epoch', () => {
    const epoch = (rng: ReturnType<typeof testRng>) => [...batches(50, 50, { rng })].flatMap((batch) => [...batch])
    const rng = testRng(1)
    const first = epoch(rng)
    expect(first).toEqual(epoch(testRng(1)))
    expect(first).not.toEqual(epoch(rng))
    expect(first).not.toEqual([...first].sort((a, b) => a - b))
  })

  it('gives batches that do not share memory', () => {
    const [first, second] = [...batches(4, 2)]
    first!.fill(9)
    expect([...second!]).toEqual([2, 3])
    expect(first!.buffer.byteLength).toBe(8)
  })

  it('refuses bad numbers at the call', () => {
    expect(() => batches(0, 2)).toThrow('length must be an integer of at least 1, got 0')
    expect(() => batches(4, 1.5)).toThrow('batchSize must be an integer of at least 1, got 1.5')
    expect(() => batches(3, 4, { dropLast: true })).toThrow('3 images make none of 4')
  })
})
