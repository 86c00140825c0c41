import { formatPath } from '@learngene/stitch'
import { deit } from '@learngene/vit-blocks'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { noteOf, planDistillation, planStitch } from './plan.js'

describe('planDistillation', () => {
  it("is the paper's tiny9 for DeiT-B", () => {
    expect(planDistillation(deit.base)).toEqual({
      student: { width: 192, depth: 9, heads: 3 },
      positions: [
        { student: 2, ancestor: 3 },
        { student: 5, ancestor: 7 },
        { student: 8, ancestor: 11 },
      ],
    })
  })
})

describe('planStitch', () => {
  it('stitches DeiT-B in the middle', () => {
    const { path, front, back } = planStitch(deit.base)
    expect(formatPath(path.path)).toBe('ti9[0-4]>ba9[5-8]')
    expect([front, back]).toEqual([
      { width: 192, heads: 3, depth: 5 },
      { width: 768, heads: 12, depth: 4 },
    ])
  })

  it('finds a path for every model', () => {
    const size = fc.integer({ min: 1, max: 16 })
    fc.assert(
      fc.property(size, size, size, (headWidth, heads, depth) => {
        const model = { imageSize: 8, patchSize: 4, channels: 1, classes: 2, width: headWidth * heads, heads, depth }
        const { front, back } = planStitch(model)
        for (const part of [front, back]) {
          expect(part.depth).toBeGreaterThanOrEqual(1)
          expect(part.width % part.heads).toBe(0)
        }
        expect(back.width).toBe(model.width)
      }),
      { seed: 1 },
    )
  })
})

it('noteOf tells what is timed besides the model', () => {
  expect(noteOf('train', deit.base)).toBeNull()
  expect(noteOf('distill', deit.base)).toBe('into an auxiliary of width 192, depth 9, 3 heads')
  expect(noteOf('stitch', deit.base)).toBe('ti9[0-4]>ba9[5-8]')
})
