import { expect, it } from 'vitest'
import { findWithStitches, moreStitches } from './more-stitches.js'
import { formatPath, parsePath } from './path.js'
import { aligned, multiStitch, singleTiers, slidingWindow, twoWay } from './spaces.js'

const tiers = [8, 12, 16, 24].map((width, i) => ({ name: `t${i}`, width, depth: 6, standsFor: [0, 1, 2, 3, 4, 5] }))
const textsOf = (space: { enumerate(): Iterable<{ path: Parameters<typeof formatPath>[0] }> }) =>
  [...space.enumerate()].map(({ path }) => formatPath(path))

it('lets the stitches of a space follow each other, and has no others', () => {
  for (const [space, whole] of [
    [slidingWindow(tiers), multiStitch(tiers)],
    [aligned(tiers, { stride: 2 }), aligned(tiers, { stride: 2, maxStitches: 3 })],
  ] as const) {
    const more = moreStitches(space, 3)
    expect(textsOf(more)).toEqual(textsOf(whole))
    expect(more.count()).toBeGreaterThan(space.count())
    const ids = new Set(Array.from(space.stitchIds(), ({ id }) => id))
    for (const { stitches } of more.enumerate()) expect(stitches.every(({ id }) => ids.has(id))).toBe(true)
  }
})

it('is the space itself where no more stitches are wanted than it has, and has none where there are none', () => {
  expect(textsOf(moreStitches(slidingWindow(tiers), 1))).toEqual(textsOf(slidingWindow(tiers)))
  expect(textsOf(moreStitches(singleTiers(tiers), 3))).toEqual(textsOf(singleTiers(tiers)))
})

it('looks no further than its stitches lead', () => {
  const two = twoWay(tiers.slice(0, 2))
  for (const space of [aligned(tiers, { stride: 2 }), two]) {
    const all = moreStitches(space, Number.MAX_SAFE_INTEGER)
    expect(all.exactCount()).toBe(moreStitches(space, 24).exactCount())
    expect(textsOf(all).length).toBe(all.count())
  }
})

it('counts what is too large to list', () => {
  const large = Array.from({ length: 10 }, (_, i) => ({ name: `t${i}`, width: 64 * (i + 1), depth: 24 }))
  expect(moreStitches(slidingWindow(large), 9).exactCount()).toBe(639_888_305_229n)
})

it('finds paths of the space and those that its stitches make', () => {
  const space = aligned(tiers, { stride: 2 })
  for (const text of ['t1[0-5]', 't0[0-2]>t1[3-5]', 't0[0-0]>t1[1-2]>t2[3-4]>t3[5-5]']) {
    const found = findWithStitches(space, parsePath(text))!
    expect([formatPath(found.path), found.stitches.length]).toEqual([text, text.split('>').length - 1])
  }
  expect(findWithStitches(space, parsePath('t0[0-1]>t1[2-2]>t2[3-5]'))).toBeUndefined()
  expect(findWithStitches(twoWay(tiers.slice(0, 2)), parsePath('t0[0-0]>t1[1-1]>t0[2-2]>t1[3-5]'))!.stitches).toHaveLength(3)
})

it('refuses a wrong number', () => {
  for (const wrong of [0, 1.5, Number.POSITIVE_INFINITY, '2'])
    expect(() => moreStitches(slidingWindow(tiers), wrong as number)).toThrow(
      /^moreStitches: maxStitches must be an integer of at least 1; got /,
    )
})

it('refuses what is no space and no path in one line', () => {
  expect(() => moreStitches([] as never, 2)).toThrow(/^moreStitches: space must be /)
  expect(() => findWithStitches(slidingWindow(tiers), 't0[0-5]' as never)).toThrow(/^findWithStitches: path must be /)
})

it('looks for a path with as many stitches as it has, and for none where it has none', () => {
  const space = aligned(tiers, { stride: 2 })
  expect(findWithStitches(space, parsePath('t1[0-4]'))).toBeUndefined()
  expect(findWithStitches(singleTiers(tiers), parsePath('t1[0-2]>t2[3-5]'))).toBeUndefined()
})
