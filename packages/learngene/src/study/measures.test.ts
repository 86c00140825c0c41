import { describe, expect, it } from 'vitest'
import { measures, measuresOf } from './measures.js'

const model = (path: string, macs: number, testAccuracy: number, validationAccuracy = testAccuracy) => ({
  ...{ path, macs, parameters: 10 * macs, testAccuracy, validationAccuracy },
  ...{ stitched: path.includes('>'), untrainedAccuracy: testAccuracy / 2 },
})

const pool = (...descendants: ReturnType<typeof model>[]) => ({
  descendants,
  storage: { pool: { parameters: 1234 } },
  ancestor: { testAccuracy: 0.9 },
})

const info = (value: object) => JSON.parse(JSON.stringify(value))

describe('of a pool', () => {
  const small = model('w6d2[0-1]', 10, 0.5)
  const large = model('w12d2[0-1]', 40, 0.75)
  const up = model('w6d2[0-0]>w12d2[1-1]', 20, 0.25)

  it('the best is chosen on validation images and measured on test images, in all and in half the MACs', () => {
    // On test images the small one is better.
    const stitched = model('w6d2[0-0]>w12d2[1-1]', 20, 0.25, 0.625)
    const found = measuresOf('choose', info(pool(small, stitched, large)))
    expect(found).toEqual({
      ...{ smallestMacs: 10, smallestParameters: 100, smallest: 0.5, best: 0.75, withinHalf: 0.25 },
      ...{ stitched: 0.25, untuned: 0.125, stored: 1234, ancestor: 0.9 },
    })
    expect(measures.parse(found)).toEqual(found)
  })

  it('tells directions where there are both, of paths of two tiers that differ in width', () => {
    const three = model('w6d2[0-0]>w12d2[1-1]>w6d2[2-2]', 25, 1)
    const level = model('w6d2[0-0]>w6d4[1-1]', 15, 1)
    expect(measuresOf('choose', info(pool(small, large, up, level, three)))).not.toHaveProperty('descending')
    const down = model('w12d2[0-0]>w6d2[1-1]', 30, 0.5)
    const found = measuresOf('choose', info(pool(small, large, up, level, three, down)))
    expect([found.ascending, found.descending]).toEqual([0.25, 0.5])
  })
})

it('of nested widths are those of the models, without half the MACs where none has so few', () => {
  const models = [model('', 30, 0.25), model('', 40, 0.5)]
  expect(measuresOf('nested', info({ parameters: 77, models }))).toEqual({
    ...{ smallestMacs: 30, smallestParameters: 300, smallest: 0.25, best: 0.5, stored: 77 },
  })
})
