import { createRng } from '@learngene/training'
import { costOf, createViT, type ViTConfig, withoutWeights } from '@learngene/vit-blocks'
import { describe, expect, it } from 'vitest'
import { buildPool, descendantsOf, searchSpace, storedParameters } from './pool.js'

const tier = (width: number, depth: number, config: Partial<ViTConfig> = {}) => ({
  name: `w${width}d${depth}`,
  network: createViT(
    { imageSize: 224, patchSize: 16, channels: 3, width, depth, heads: width / 64, classes: 1000, ...config },
    createRng(0),
  ),
  transformations: [],
})
const poolOf = (...tiers: [width: number, depth: number][]) =>
  buildPool(
    tiers.map(([width, depth]) => tier(width, depth)),
    {},
    createRng(0),
  )
const millions = (count: number) => Math.round(count / 1e5) / 10

describe('buildPool', () => {
  it('stores what the paper states: 70.9 M and 47.8 M against 118.4 M of SN-Net', () => {
    withoutWeights(() => {
      expect(millions(storedParameters(poolOf([192, 9], [768, 9])))).toBe(70.9)
      expect(millions(storedParameters(poolOf([192, 6], [768, 6])))).toBe(47.8)
      expect(millions(storedParameters(poolOf([192, 12], [384, 12], [768, 12])))).toBe(118.4)
    })
  })

  it('reaches as small as the paper states: 3.05 M parameters and 0.64 GMACs against 5.72 M and 1.26', () => {
    withoutWeights(() => {
      const smallest = (...tiers: [number, number][]) => {
        const pool = poolOf(...tiers)
        return descendantsOf(pool, [...pool.space.enumerate()])
          .map((network) => costOf(network))
          .reduce((a, b) => (b.macs < a.macs ? b : a))
      }
      const pool = smallest([192, 6], [768, 6])
      expect([pool.parameters / 1e6, pool.macs / 1e9].map((value) => value.toFixed(2))).toEqual(['3.05', '0.64'])
      const snnet = smallest([192, 12], [384, 12])
      expect([snnet.parameters / 1e6, snnet.macs / 1e9].map((value) => value.toFixed(2))).toEqual(['5.72', '1.26'])
    })
  })

  it('measures every path of its space', () => {
    withoutWeights(() => {
      const space = searchSpace(poolOf([192, 9], [768, 9]))
      const [first] = space.enumerate()
      expect(space.count()).toBe(27)
      expect(Object.keys(space.cost(first!)).sort()).toEqual(['macs', 'memory', 'parameters'])
    })
  })

  it('refuses tiers that see other images or classes, and no tiers', () => {
    withoutWeights(() => {
      expect(() => buildPool([], {}, createRng(0))).toThrow('at least one tier')
      expect(() => buildPool([tier(192, 3), tier(384, 3, { classes: 10 })], {}, createRng(0))).toThrow(
        /same images and classes; w192d3 has images 224 x 224 x 3 in patches of 16 x 16, 197 tokens, 1000 classes, w384d3 .* 10 classes/,
      )
    })
  })
})
