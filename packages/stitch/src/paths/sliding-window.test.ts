import { describe, expect, it } from 'vitest'
import { slidingWindow } from './sliding-window.js'
import { texts, tier, tiSmBa } from './testing.js'

describe('slidingWindow', () => {
  it('gives the 71 models of SN-Net for DeiT-Ti/S/B', () => {
    const space = slidingWindow(tiSmBa)
    expect(texts(space)).toHaveLength(71)
    expect(space.count()).toBe(71)
    expect([...space.stitchIds()]).toHaveLength(22)
  })

  it('goes by single tiers, then pair by pair, window by window, j then m', () => {
    expect(texts(slidingWindow(tiSmBa)).slice(0, 12)).toEqual([
      'ti12[0-11]',
      'sm12[0-11]',
      'ba12[0-11]',
      'ti12[0-0]>sm12[0-11]',
      'ti12[0-0]>sm12[1-11]',
      'ti12[0-1]>sm12[0-11]',
      'ti12[0-1]>sm12[1-11]',
      'ti12[0-1]>sm12[2-11]',
      'ti12[0-2]>sm12[1-11]',
      'ti12[0-2]>sm12[2-11]',
      'ti12[0-2]>sm12[3-11]',
      'ti12[0-3]>sm12[2-11]',
    ])
    expect(texts(slidingWindow(tiSmBa))[37]).toBe('sm12[0-0]>ba12[0-11]')
    expect(texts(slidingWindow(tiSmBa)).at(-1)).toBe('sm12[0-11]>ba12[11-11]')
  })

  it('names the shared stitch of every path', () => {
    const stitched = [...slidingWindow([tier(192, 9), tier(768, 9)]).enumerate()]
    expect(stitched[1]!.stitches).toEqual([])
    expect(stitched.slice(2, 7).map(({ stitches }) => stitches[0]!.id)).toEqual([...Array(4).fill('ti9>ba9#0'), 'ti9>ba9#1'])
    expect(stitched[6]!.stitches).toEqual([{ id: 'ti9>ba9#1', from: { tier: 'ti9', block: 1 }, to: { tier: 'ba9', block: 2 } }])
  })

  it('stitches all pairs of tiers on request', () => {
    const space = slidingWindow(tiSmBa, { pairs: 'all' })
    expect(space.count()).toBe(3 + 3 * 34)
    expect([...space.stitchIds()].map(({ id }) => id).filter((id) => id.endsWith('#0'))).toEqual([
      'ti12>sm12#0',
      'ti12>ba12#0',
      'sm12>ba12#0',
    ])
    expect(texts(space)[3 + 34]).toBe('ti12[0-0]>ba12[0-11]')
  })

  it('takes unequal depths', () => {
    const space = slidingWindow([tier(192, 6), tier(768, 9)])
    expect(space.count()).toBe(2 + 19)
    expect([...space.stitchIds()]).toHaveLength(8)
    expect(slidingWindow([tier(192, 12), tier(768, 9)]).count()).toBe(2 + 28)
  })

  it('takes equal widths', () => {
    expect(texts(slidingWindow([tier(192, 2), { name: 'other', width: 192, depth: 2 }]))).toContain('ti2[0-0]>other[1-1]')
  })

  it('is a single tier where there is one', () => {
    expect(texts(slidingWindow([tier(192, 9)]))).toEqual(['ti9[0-8]'])
  })
})
