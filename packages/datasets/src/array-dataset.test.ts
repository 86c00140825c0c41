import type { RawImage } from '@learngene/interfaces'
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
  it('reads pictures by index, without copies', () => {
    const dataset = arrayDataset(options)
    expect(dataset).toMatchObject({ name: 'tiny', length: 3, classes: ['a', 'b'], labels: Uint8Array.of(0, 1, 1) })
    const picture = dataset.picture(2) as RawImage
    expect(picture).toEqual({ data: Uint8Array.of(5, 6), height: 1, width: 2, channels: 1 })
    expect(picture.data.buffer).toBe(options.pixels.buffer)
    expect(dataset.nameOf(2)).toBe('image 2 of tiny')
  })

  it('takes more classes than a byte counts', () => {
    const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`)
    const dataset = arrayDataset({ ...options, classes, labels: Uint16Array.of(999, 0, 256) })
    expect(Array.from(dataset.labels)).toEqual([999, 0, 256])
  })

  it.each([-1, 3, 1.5, Number.NaN])('refuses index %s', (index) => {
    expect(() => arrayDataset(options).picture(index)).toThrow(`tiny: image indices are integers from 0 to 2, got ${index}`)
    expect(() => arrayDataset(options).picture(index)).toThrow(RangeError)
  })

  it('has a fingerprint of pixels, shape, labels and classes, and of nothing else', async () => {
    const print = (change: object) => arrayDataset({ ...options, ...change }).fingerprint()
    const same = await print({})
    expect(same).toMatch(/^[0-9a-f]{64}$/)
    expect(await print({ name: 'other', pixels: options.pixels.slice(), labels: Uint16Array.from(options.labels) })).toBe(same)
    const others = [
      { pixels: options.pixels.with(5, 7) },
      { imageShape: [2, 1, 1] },
      { labels: Uint8Array.of(0, 1, 0) },
      { classes: ['b', 'a'] },
    ]
    const prints = await Promise.all(others.map(print))
    expect(new Set([same, ...prints]).size).toBe(5)
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
