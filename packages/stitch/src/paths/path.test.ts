import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparePaths, createPath } from './path.js'
import { formatPath, parsePath } from './path-text.js'

describe('createPath', () => {
  it('freezes a copy', () => {
    const segments = [{ tier: 'ti9', first: 0, last: 5 }]
    const path = createPath(segments)
    segments[0]!.last = 7
    expect(path.segments[0]!.last).toBe(5)
    expect(Object.isFrozen(path) && Object.isFrozen(path.segments) && Object.isFrozen(path.segments[0])).toBe(true)
  })

  it.each([
    [[], /at least one segment, got none/],
    [[{ tier: '9ti', first: 0, last: 5 }], /segment 0 of the path: a tier name starts with a letter.*got "9ti"/],
    [[{ tier: 'ti9', first: 0.5, last: 5 }], /integer of at least 0, got 0\.5/],
    [[{ tier: 'ti9', first: -1, last: 5 }], /integer of at least 0, got -1/],
    [[{ tier: 'ti9', first: 0, last: Number.NaN }], /integer of at least 0, got NaN/],
    [[{ tier: 'ti9', first: 6, last: 5 }], /first block must not come after its last, got ti9\[6-5\]/],
    [
      [
        { tier: 'ti9', first: 0, last: 5 },
        { tier: 'ti9', first: 6, last: 8 },
      ],
      /segment 1 of the path: .*different tiers, got ti9 twice/,
    ],
  ])('refuses %j', (segments, message) => {
    expect(() => createPath(segments)).toThrow(message)
  })
})

describe('comparePaths', () => {
  it('orders by tier, then blocks as numbers, then length', () => {
    const sorted = ['a[0-2]', 'a[0-2]>b[1-8]', 'a[0-2]>b[3-8]', 'a[0-10]', 'a[1-1]', 'b[0-0]']
    expect(sorted.toReversed().map(parsePath).sort(comparePaths).map(formatPath)).toEqual(sorted)
  })

  it('is a total order that agrees with the text', () => {
    const segment = fc
      .tuple(fc.constantFrom('a', 'b'), fc.nat(2), fc.nat(2))
      .map(([tier, first, more]) => ({ tier, first, last: first + more }))
    const path = fc
      .array(segment, { minLength: 1, maxLength: 3 })
      .filter((segments) => segments.every(({ tier }, i) => tier !== segments[i - 1]?.tier))
      .map(createPath)
    fc.assert(
      fc.property(path, path, path, (a, b, c) => {
        expect(Math.sign(comparePaths(a, b))).toBe(0 - Math.sign(comparePaths(b, a)))
        expect(comparePaths(a, b) === 0).toBe(formatPath(a) === formatPath(b))
        if (comparePaths(a, b) <= 0 && comparePaths(b, c) <= 0) expect(comparePaths(a, c)).toBeLessThanOrEqual(0)
      }),
      { seed: 1, numRuns: 500 },
    )
  })
})
