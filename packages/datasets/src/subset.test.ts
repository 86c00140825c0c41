import { describe, expect, it } from 'vitest'
import { numberedDataset, numbers } from './dataset.fixture.js'
import { subset } from './subset.js'

const dataset = numberedDataset([0, 1, 2, 0, 1, 2])

describe('subset', () => {
  it('holds the named images in the given order, with their labels', () => {
    const some = subset(dataset, [5, 0, 5, 1])
    expect(numbers(some)).toEqual([5, 0, 5, 1])
    expect([...some.labels([0, 1, 2, 3])]).toEqual([2, 0, 2, 1])
    expect(some).toMatchObject({ length: 4, imageShape: [2, 3, 2], classes: ['a', 'b', 'c'] })
  })

  it('nests', () => {
    expect(numbers(subset(subset(dataset, [4, 3, 2]), [2, 0]))).toEqual([2, 4])
  })

  it('is not changed by a later change of the indices', () => {
    const indices = [1, 2]
    const some = subset(dataset, indices)
    indices[0] = 5
    expect(numbers(some)).toEqual([1, 2])
  })

  it('refuses indices outside the dataset and outside itself', () => {
    expect(() => subset(dataset, [0, 6])).toThrow('numbered: image indices are integers from 0 to 5, got 6')
    expect(() => subset(dataset, [1.5])).toThrow('got 1.5')
    expect(() => subset(dataset, [1, 2]).images([2])).toThrow('integers from 0 to 1, got 2')
  })
})
