import '@tensorflow/tfjs-backend-cpu'
import { expect, it } from 'vitest'
import { arrayDataset } from './array-dataset.js'
import { imageSource } from './image-source.js'

it('gives normalised images and labels of a dataset by index', async () => {
  const dataset = arrayDataset({
    name: 'two',
    imageShape: [1, 2, 1],
    classes: ['a', 'b'],
    pixels: Uint8Array.of(0, 255, 51, 102),
    labels: Uint8Array.of(0, 1),
  })
  const source = imageSource(dataset, { mean: [0.2], std: [0.5] })
  const images = source.images([1, 0])
  expect(source.length).toBe(2)
  expect(images.shape).toEqual([2, 1, 2, 1])
  const values = await images.data()
  ;[0, 0.4, -0.4, 1.6].forEach((value, i) => {
    expect(values[i]).toBeCloseTo(value, 6)
  })
  expect(Array.from(source.labels([1, 0]))).toEqual([1, 0])
  images.dispose()
})

it('prepares images as the details of a model say', async () => {
  const dataset = arrayDataset({
    name: 'two',
    imageShape: [1, 3, 1],
    classes: ['a', 'b'],
    pixels: Uint8Array.of(1, 2, 3, 4, 5, 6),
    labels: Uint8Array.of(0, 1),
  })
  const cut = { size: [1, 1], resize: 'none', centerCrop: true, interpolation: 'bicubic', mean: [0], std: [1 / 255] } as const
  const images = imageSource(dataset, cut).images([1, 0])
  expect([images.shape, Array.from(await images.data(), Math.round)]).toEqual([
    [2, 1, 1, 1],
    [5, 2],
  ])
  images.dispose()
  expect(() => imageSource(dataset, { ...cut, centerCrop: false }).images([0])).toThrow('must be of that size, got 1 x 3')
  expect(() => imageSource(dataset, { ...cut, size: [1, 0] })).toThrow('preprocessing: size must be')
})

it('says that it augments, and does so before normalising', async () => {
  const dataset = arrayDataset({
    name: 'one',
    imageShape: [1, 2, 1],
    classes: ['a'],
    pixels: Uint8Array.of(0, 255),
    labels: Uint8Array.of(0),
  })
  const normalisation = { mean: [0], std: [1] }
  const augment = (pixels: Uint8Array, shape: readonly number[]) => {
    expect(shape).toEqual([1, 1, 2, 1])
    return pixels.map((pixel) => 255 - pixel)
  }
  const source = imageSource(dataset, normalisation, { augment })
  const images = source.images([0])
  expect(Array.from(await images.data())).toEqual([1, 0])
  expect([source.augmented, imageSource(dataset, normalisation).augmented]).toEqual([true, false])
  images.dispose()
})
