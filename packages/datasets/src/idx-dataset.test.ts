import { describe, expect, it } from 'vitest'
import { idxDataset } from './idx-dataset.js'

const images = { shape: [2, 1, 2], data: Uint8Array.of(1, 2, 3, 4) }
const labels = { shape: [2], data: Uint8Array.of(1, 0) }
const options = { name: 'tiny', images, labels, classes: ['a', 'b'] }

describe('idxDataset', () => {
  it('joins images and labels', () => {
    const dataset = idxDataset(options)
    expect(dataset).toMatchObject({ name: 'tiny', length: 2, classes: ['a', 'b'], labels: labels.data })
    expect(dataset.picture(1)).toEqual({ data: Uint8Array.of(3, 4), height: 1, width: 2, channels: 1 })
  })

  it('reads colour images', () => {
    expect(idxDataset({ ...options, images: { ...images, shape: [2, 1, 1, 2] } }).picture(0)).toMatchObject({
      height: 1,
      width: 1,
      channels: 2,
    })
  })

  it.each([
    [{ labels: { shape: [3], data: new Uint8Array(3) } }, 'tiny: 2 images need 2 labels, got 3'],
    [
      { images: labels, labels: images },
      'tiny: images must have shape length x height x width [x channels], got 2; are images and labels swapped?',
    ],
    [{ labels: images }, 'tiny: labels must have 1 dimension, got shape 2 x 1 x 2'],
    [{ images: { ...images, shape: [1, 1, 1, 2, 2] } }, 'got 1 x 1 x 1 x 2 x 2'],
    [{ classes: ['a'] }, 'tiny: labels must be below the number of classes, 1; label 0 is 1'],
  ])('refuses %o', (change, message) => {
    expect(() => idxDataset({ ...options, ...change })).toThrow(message)
  })
})
