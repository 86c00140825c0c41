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
