import { describe, expect, it } from 'vitest'
import { arrayDataset } from './array-dataset.js'

const options = {
  name: 'tiny',
  imageShape: [1, 2, 1] as const,
  classes: ['a', 'b'],
  pixels: Uint8Array.of(1, 2, 3, 4, 5, 6),
  labels: Uint8Array.of(0, 1, 1),
}

describe('arrayDataset', () => {
  it('reads images and labels by index, in any order and repeatedly', () => {
    const dataset = arrayDataset(options)
    expect(dataset).toMatchObject({ name: 'tiny', length: 3, imageShape: [1, 2, 1], classes: ['a', 'b'] })
    expect(dataset.images([2, 0, 2])).toEqual(Uint8Array.of(5, 6, 1, 2, 5, 6))
    expect(dataset.labels(Uint32Array.of(2, 0, 2))).toEqual(Uint8Array.of(1, 0, 1))
    expect(dataset.images([])).toEqual(new Uint8Array(0))
  })

  it('gives copies', () => {
    const dataset = arrayDataset(options)
    dataset.images([0]).fill(99)
    expect(dataset.images([0])).toEqual(Uint8Array.of(1, 2))
  })

  it('takes more classes than a byte counts', () => {
    const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`)
    const dataset = arrayDataset({ ...options, classes, labels: Uint16Array.of(999, 0, 256) })
    expect(dataset.labels([2, 0])).toEqual(Uint16Array.of(256, 999))
  })

  it.each([-1, 3, 1.5, Number.NaN])('refuses index %s', (index) => {
    expect(() => arrayDataset(options).images([0, index])).toThrow(`tiny: image indices are integers from 0 to 2, got ${index}`)
    expect(() => arrayDataset(options).labels([0, index])).toThrow(RangeError)
  })

  it.each([
    [{ pixels: new Uint8Array(5) }, 'tiny: 3 labels with images of 1 x 2 x 1 need 6 pixels, got 5'],
    [{ labels: Uint8Array.of(0, 2, 1) }, 'tiny: labels must be below the number of classes, 2; label 1 is 2'],
    [{ labels: new Uint8Array(0), pixels: new Uint8Array(0) }, 'tiny: a dataset needs at least 1 image'],
    [{ classes: [] }, 'tiny: classes must be a list of at least 1 name, got []'],
    [{ classes: ['a', ''] }, 'tiny: the names of classes must be non-empty texts, got "" for class 1'],
    [{ imageShape: [1, 0, 1] as const }, 'tiny: height, width and channels must be positive integers, got 1 x 0 x 1'],
  ])('refuses %o', (change, message) => {
    expect(() => arrayDataset({ ...options, ...change })).toThrow(message)
  })
})
