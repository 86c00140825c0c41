import { describe, expect, it } from 'vitest'
import { checkSpace, createSpace, type SpaceFactory, type SpaceSpec, standardSpaces } from './create-space.js'
import { formatPath } from './path.js'
import { createPathSpace } from './path-space.js'
import { stitchSlot, type TierShape } from './tiers.js'

const tiers: readonly [TierShape, TierShape] = [
  { name: 'a', width: 4, depth: 3 },
  { name: 'b', width: 8, depth: 3 },
]
const [a, b] = tiers

/** One switch after the given block. */
const after: SpaceFactory = (given, { block }) => {
  const [front, back] = given as typeof tiers
  const slots = [stitchSlot(front, back, 0, [{ j: Number(block), m: Number(block) + 1 }])]
  return createPathSpace({ kind: 'after', tiers: given, slots, maxStitches: 1 })
}

describe('createSpace', () => {
  it('knows the standard kinds without being told', () => {
    expect(Object.keys(standardSpaces)).toEqual(['slidingWindow', 'multiStitch', 'aligned', 'singleTiers', 'earlyExits', 'twoWay'])
    for (const kind of ['slidingWindow', 'multiStitch', 'singleTiers', 'earlyExits', 'twoWay']) {
      expect(createSpace({ kind }, tiers).kind).toBe(kind)
    }
  })

  it("makes a space of the user's own, with what its specification says", () => {
    const paths = [...createSpace({ kind: 'after', block: 1 }, tiers, { after }).enumerate()].map(({ path }) => formatPath(path))
    expect(paths).toEqual(['a[0-2]', 'b[0-2]', 'a[0-1]>b[2-2]'])
  })

  it('lets a kind of the user take the place of a standard one', () => {
    expect(createSpace({ kind: 'twoWay', block: 0 }, tiers, { twoWay: after }).exactCount()).toBe(3n)
  })

  it('names the known kinds where one is unknown', () => {
    expect(() => createSpace({ kind: 'afterwards' }, tiers, { after })).toThrow(
      'path space: the kind must be slidingWindow, multiStitch, aligned, singleTiers, earlyExits, twoWay or after; got "afterwards". Pass one of your own',
    )
    expect(() => createSpace({ kind: 'constructor' }, tiers)).toThrow('got "constructor"')
  })

  it('refuses a factory that gives no path space', () => {
    const nothing = (() => undefined) as unknown as SpaceFactory
    expect(() => createSpace({ kind: 'nothing' }, tiers, { nothing })).toThrow(
      "path space 'nothing': what its factory gives must be a path space, for example pool.space; got undefined",
    )
  })
})

describe('createPathSpace', () => {
  const slot = stitchSlot(a, b, 0, [{ j: 0, m: 1 }])
  it.each([
    ['a tier that is not there', [{ ...slot, toTier: 'c' }], 'the stitch a>b#0 must join two of the tiers a, b; got "c"'],
    ['a block that is not there', [{ ...slot, pairs: [{ j: 3, m: 1 }] }], 'a has 3, got block 3'],
    ['a negative block', [{ ...slot, pairs: [{ j: 0, m: -1 }] }], 'got block -1'],
    ['half a block', [{ ...slot, pairs: [{ j: 0.5, m: 1 }] }], 'a has 3, got block 0.5'],
    ['one name twice', [slot, { ...slot, pairs: [{ j: 1, m: 2 }] }], 'the stitch a>b#0 must stand in one slot'],
    ['one switch twice', [slot, { ...slot, id: 'a>b#1' }], 'the switch from block 0 of a to block 1 of b must stand in one slot'],
  ])('refuses slots with %s', (_, slots, message) => {
    expect(() => createPathSpace({ kind: 'wrong', tiers, slots, maxStitches: 1 })).toThrow(message)
  })

  it('refuses a number of stitches that is none', () => {
    expect(() => createPathSpace({ kind: 'wrong', tiers, slots: [slot], maxStitches: 0.5 })).toThrow(
      'createPathSpace: maxStitches must be an integer of at least 0; got 0.5',
    )
    expect(() => createPathSpace({ kind: 'wrong', tiers, slots: [slot], maxStitches: -1 })).toThrow('at least 0; got -1')
    expect(() => createPathSpace(undefined as never)).toThrow('createPathSpace: rules must be an object; got undefined')
  })
})

describe('checkSpace', () => {
  it('lets pass what a space can be made by', () => {
    for (const kind of Object.keys(standardSpaces)) expect(() => checkSpace({ kind }, 2)).not.toThrow()
    expect(() => checkSpace({ kind: 'multiStitch', kernel: 3, stride: 2, pairs: 'all', maxStitches: 4 }, 3)).not.toThrow()
    expect(() => checkSpace({ kind: 'aligned', stride: 3, pairs: 'nearest', maxStitches: 2 }, 1)).not.toThrow()
    expect(() => checkSpace({ kind: 'aligned', stride: 'own' }, 2, { aligned: after })).not.toThrow()
  })

  it.each<[SpaceSpec, number, string]>([
    [{ kind: 'aligned', stride: 0 }, 2, 'stride must be an integer of at least 1, got 0'],
    [{ kind: 'slidingWindow', stride: '2' }, 2, 'stride must be an integer of at least 1, got "2"'],
    [{ kind: 'multiStitch', maxStitches: 0 }, 1, 'maxStitches must be an integer of at least 1, got 0'],
    [{ kind: 'aligned', pairs: 'none' }, 1, 'pairs must be "nearest" or "all", got "none"'],
    [{ kind: 'aligned', kernel: 2 }, 2, "space 'aligned': there is no option 'kernel'; the options are kind, stride, maxStitches, pairs"],
    [{ kind: 'twoWay' }, 3, 'two-way paths run between exactly two tiers, got 3'],
    [{ kind: 'afterwards' }, 2, 'the kind must be slidingWindow'],
  ])('refuses %j of %i tiers', (spec, count, message) => {
    expect(() => checkSpace(spec, count)).toThrow(message)
  })
})
