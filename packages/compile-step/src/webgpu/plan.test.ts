import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Lifetime, planSlots } from './plan.js'

const lifetimes = fc.array(
  fc
    .record({ size: fc.integer({ min: 1, max: 64 }), first: fc.nat(30), length: fc.nat(10) })
    .map(({ size, first, length }): Lifetime => ({ size: 4 * size, first, last: first + length })),
  { maxLength: 40 },
)

test('no two buffers that live at one time share a slot, and every slot has room', () => {
  fc.assert(
    fc.property(lifetimes, fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 6 }), (buffers, existing) => {
      const { slots, newSizes } = planSlots(buffers, existing)
      const sizes = [...existing, ...newSizes]
      for (const [i, a] of buffers.entries()) {
        expect(sizes[slots[i]!]).toBeGreaterThanOrEqual(a.size)
        for (const [j, b] of buffers.entries()) {
          if (i < j && slots[i] === slots[j]) expect(a.last < b.first || b.last < a.first).toBe(true)
        }
      }
    }),
  )
})

test('needs no less than what lives at one time and no more than all', () => {
  fc.assert(
    fc.property(lifetimes, (buffers) => {
      const bytes = planSlots(buffers, []).newSizes.reduce((sum, size) => sum + size, 0)
      expect(bytes).toBeGreaterThanOrEqual(leastBytes(buffers))
      expect(bytes).toBeLessThanOrEqual(buffers.reduce((sum, { size }) => sum + size, 0))
    }),
  )
})

test('a chain of equal buffers takes two slots', () => {
  const chain = Array.from({ length: 10 }, (_, i): Lifetime => ({ size: 256, first: i, last: i + 1 }))
  expect(planSlots(chain, []).newSizes).toEqual([256, 256])
  expect(leastBytes(chain)).toBe(512)
})

test('uses the slots there are before it makes new ones, the smallest that has room', () => {
  const { slots, newSizes } = planSlots(
    [
      { size: 100, first: 0, last: 1 },
      { size: 40, first: 0, last: 1 },
    ],
    [400, 50, 100],
  )
  expect(slots).toEqual([2, 1])
  expect(newSizes).toEqual([])
})

/** The most bytes that are held at one time: no plan can do with less. */
function leastBytes(lifetimes: readonly Lifetime[]): number {
  const changes = lifetimes.flatMap(({ size, first, last }) => [
    [first, size],
    [last + 1, -size],
  ]) as [number, number][]
  changes.sort(([a, grow], [b, other]) => a - b || grow - other)
  let [held, most] = [0, 0]
  for (const [, change] of changes) {
    held += change
    most = Math.max(most, held)
  }
  return most
}
