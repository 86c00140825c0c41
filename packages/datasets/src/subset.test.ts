import { describe, expect, it } from 'vitest'
import { numberedDataset, numbers } from './dataset.fixture.js'
import { subset } from './subset.js'

const dataset = numberedDataset([0, 1, 2, 0, 1, 2])

describe('subset', () => {
  it('holds the named images in the given order, with their labels', () => {
    const some = subset(dataset, [5, 0, 5, 1])
    expect(numbers(some)).toEqual([5, 0, 5, 1])
    expect(Array.from(some.labels)).toEqual([2, 0, 2, 1])
    expect(some).toMatchObject({ length: 4, classes: ['a', 'b', 'c'] })
    expect(some.nameOf(2)).toBe('image 5 of numbered')
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

  it('has a fingerprint of the dataset and the indices', async () => {
    const print = (labels: number[], indices: number[]) => subset(numberedDataset(labels), indices).fingerprint()
    const prints = await Promise.all([print([0, 1, 2], [0, 1]), print([0, 1, 2], [1, 0]), print([0, 1, 2], [0]), print([0, 2, 2], [0, 1])])
    expect(new Set(prints).size).toBe(4)
    expect(await print([0, 1, 2], [0, 1])).toBe(prints[0])
  })

  it('of what is not labelled is not labelled', () => {
    expect(subset({ ...dataset, classes: [], labels: [] }, [1]).labels).toEqual([])
  })

  it('refuses indices outside the dataset and outside itself', () => {
    expect(() => subset(dataset, [0, 6])).toThrow('numbered: image indices are integers from 0 to 5, got 6')
    expect(() => subset(dataset, [1.5])).toThrow('got 1.5')
    expect(() => subset(dataset, [1, 2]).picture(2)).toThrow('integers from 0 to 1, got 2')
  })
})
