import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparePaths, createPath, formatPath, parsePath } from './path.js'

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

const tierName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,8}$/)

const segment = fc.tuple(tierName, fc.nat(), fc.nat(1000)).map(([tier, first, more]) => ({ tier, first, last: first + more }))

const path = fc
  .array(segment, { minLength: 1, maxLength: 5 })
  .filter((segments) => segments.every(({ tier }, i) => tier !== segments[i - 1]?.tier))
  .map(createPath)

describe('formatPath and parsePath', () => {
  it('print and read the canonical text', () => {
    const text = 'ti9[0-5]>ba9[6-8]'
    const parsed = parsePath(text)
    expect(parsed.segments).toEqual([
      { tier: 'ti9', first: 0, last: 5 },
      { tier: 'ba9', first: 6, last: 8 },
    ])
    expect(formatPath(parsed)).toBe(text)
  })

  it('read a single block and print it as a range', () => {
    expect(formatPath(parsePath('ti9[0]>w-1.x_y[6]'))).toBe('ti9[0-0]>w-1.x_y[6-6]')
  })

  it('are inverse to each other', () => {
    fc.assert(
      fc.property(path, (value) => {
        expect(parsePath(formatPath(value))).toEqual(value)
      }),
      { seed: 1 },
    )
  })

  it('read a text only if printing gives it back, short segments aside', () => {
    const pieces = fc.constantFrom('ti9', 'b', '[', ']', '-', '>', '0', '1', '12', '00', ' ', 'é', '[0-5]', '[3]', 'ti9[0-5]')
    const text = fc.oneof(
      fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join('')),
      fc.string({ maxLength: 20 }),
    )
    fc.assert(
      fc.property(text, (value) => {
        let parsed: ReturnType<typeof parsePath>
        try {
          parsed = parsePath(value)
        } catch (error) {
          expect((error as Error).message).toMatch(/^a path reads like ti9\[0-5\]>ba9\[6-8\]: at position \d+ of ".*$/)
          return
        }
        expect(formatPath(parsed)).toBe(value.replaceAll(/\[(\d+)\]/g, '[$1-$1]'))
      }),
      { seed: 1, numRuns: 2000 },
    )
  })
})

describe('parsePath refuses with the position', () => {
  it.each([
    ['', 'at position 0 of "" expected a tier name, which starts with a letter, got the end'],
    ['9ti[0-5]', 'at position 0 of "9ti[0-5]" expected a tier name, which starts with a letter, got "9"'],
    ['ti9', 'at position 3 of "ti9" expected "[" and the blocks of the tier, got the end'],
    ['ti9(0-5)', 'at position 3 of "ti9(0-5)" expected "[" and the blocks of the tier, got "("'],
    ['ti9[a-5]', 'at position 4 of "ti9[a-5]" expected a block number without leading zeros, got "a"'],
    ['ti9[00-5]', 'at position 4 of "ti9[00-5]" expected a block number without leading zeros, got "0"'],
    ['ti9[0:5]', 'at position 5 of "ti9[0:5]" expected "-" and the last block, or "]", got ":"'],
    ['ti9[0-5', 'at position 7 of "ti9[0-5" expected "]", got the end'],
    ['ti9[0-5]ba9[6-8]', 'at position 8 of "ti9[0-5]ba9[6-8]" expected ">" or the end, got "b"'],
    ['ti9[0-5] > ba9[6-8]', 'at position 8 of "ti9[0-5] > ba9[6-8]" expected ">" or the end, got " "'],
    ['ti9[0-5]>', 'at position 9 of "ti9[0-5]>" expected a tier name, which starts with a letter, got the end'],
    ['ti9[0-2]>ba9[8-6]', `at position 9 of "ti9[0-2]>ba9[8-6]" a segment's first block must not come after its last, got ba9[8-6]`],
    [
      'ti9[0-2]>ti9[3-6]',
      'at position 9 of "ti9[0-2]>ti9[3-6]" two segments in a row must be of different tiers, got ti9 twice; merge them',
    ],
    [
      'ti9[0-99999999999999999999]',
      'at position 0 of "ti9[0-99999999999999999999]" a block number is an integer of at least 0, got 100000000',
    ],
    ['ti9\n[0-5]', 'at position 3 of "ti9\\n[0-5]" expected "[" and the blocks of the tier, got "\\n"'],
  ])('%j', (text, message) => {
    expect(() => parsePath(text)).toThrow(`a path reads like ti9[0-5]>ba9[6-8]: ${message}`)
  })

  it('cuts endless texts', () => {
    expect(() => parsePath('x'.repeat(10_000))).toThrow(/at position 10000 of "x{120}\.\.\." expected "\["/)
  })
})
