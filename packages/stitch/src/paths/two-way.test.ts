import { describe, expect, it } from 'vitest'
import { texts, tier, tiSmBa } from './testing.js'
import { twoWay } from './two-way.js'

describe('twoWay', () => {
  const space = twoWay([tier(384, 12), tier(768, 12)])

  it('gives the paths of SN-Netv2 that run: 2 + 11 + 11 + 55 + 55', () => {
    const shapes = new Map<string, number>()
    for (const text of texts(space)) {
      const shape = text.replaceAll(/\[.*?\]/g, '')
      shapes.set(shape, (shapes.get(shape) ?? 0) + 1)
    }
    expect([...shapes]).toEqual([
      ['sm12', 1],
      ['ba12', 1],
      ['sm12>ba12', 11],
      ['ba12>sm12', 11],
      ['sm12>ba12>sm12', 55],
      ['ba12>sm12>ba12', 55],
    ])
    expect(space.count()).toBe(134)
  })

  it('leaves block i and lands at i + 1', () => {
    const all = texts(space)
    expect(all[2]).toBe('sm12[0-0]>ba12[1-11]')
    expect(all[12]).toBe('sm12[0-10]>ba12[11-11]')
    expect(all[24]).toBe('sm12[0-0]>ba12[1-1]>sm12[2-11]')
    expect(all.at(-1)).toBe('ba12[0-9]>sm12[10-10]>ba12[11-11]')
  })

  it('shares one stitch per direction and block', () => {
    const slots = [...space.stitchIds()]
    expect(slots).toHaveLength(22)
    expect(slots[11]).toEqual({ id: 'ba12>sm12#0', fromTier: 'ba12', toTier: 'sm12', pairs: [{ j: 0, m: 1 }] })
  })

  it('scales blocks where depths differ', () => {
    expect(texts(twoWay([tier(192, 2), tier(768, 4)]))).toEqual([
      'ti2[0-1]',
      'ba4[0-3]',
      'ti2[0-0]>ba4[1-3]',
      'ti2[0-0]>ba4[2-3]',
      'ti2[0-1]>ba4[3-3]',
      'ba4[0-0]>ti2[0-1]',
      'ba4[0-1]>ti2[1-1]',
      'ba4[0-2]>ti2[1-1]',
      'ti2[0-0]>ba4[1-1]>ti2[1-1]',
      'ti2[0-0]>ba4[1-2]>ti2[1-1]',
      'ti2[0-0]>ba4[2-2]>ti2[1-1]',
      'ba4[0-0]>ti2[0-0]>ba4[1-3]',
      'ba4[0-0]>ti2[0-0]>ba4[2-3]',
      'ba4[0-0]>ti2[0-1]>ba4[3-3]',
      'ba4[0-1]>ti2[1-1]>ba4[3-3]',
      'ba4[0-2]>ti2[1-1]>ba4[3-3]',
    ])
  })

  it('refuses other than two tiers', () => {
    expect(() => twoWay(tiSmBa)).toThrow('exactly two tiers, got 3')
    expect(() => twoWay(tiSmBa.slice(2))).toThrow('exactly two tiers, got 1')
  })
})
