import { describe, expect, it } from 'vitest'
import { supervisedPositions } from './supervision.js'

const pairs = (...args: Parameters<typeof supervisedPositions>) =>
  supervisedPositions(...args).map(({ student, ancestor }) => [student, ancestor])

describe('supervisedPositions', () => {
  it('is dense as the paper: the ends of thirds', () => {
    expect(pairs('dense', 9, 12)).toEqual([
      [2, 3],
      [5, 7],
      [8, 11],
    ])
    expect(pairs('dense', 6, 12)).toEqual([
      [1, 3],
      [3, 7],
      [5, 11],
    ])
    expect(pairs('dense', 12, 12)).toEqual([
      [3, 3],
      [7, 7],
      [11, 11],
    ])
  })

  it('keeps the latest where a shallow student repeats a position', () => {
    expect(pairs('dense', 1, 12)).toEqual([[0, 11]])
    expect(pairs('dense', 2, 12)).toEqual([
      [0, 3],
      [1, 11],
    ])
  })

  it('can supervise the last block only, or any list', () => {
    expect(pairs('last', 9, 12)).toEqual([[8, 11]])
    const list = [5, 0, 3].map((block) => ({ student: block, ancestor: 2 * block }))
    expect(pairs(list, 6, 12)).toEqual([
      [0, 0],
      [3, 6],
      [5, 10],
    ])
  })

  it('refuses positions outside of a model', () => {
    expect(() => supervisedPositions([{ student: 6, ancestor: 0 }], 6, 12)).toThrow('the student has blocks 0 to 5; got 6')
    expect(() => supervisedPositions([{ student: 0, ancestor: 12 }], 6, 12)).toThrow('the ancestor has blocks 0 to 11; got 12')
  })
})
