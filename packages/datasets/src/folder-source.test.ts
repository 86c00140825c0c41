import '@tensorflow/tfjs-backend-cpu'
import { expect, it } from 'vitest'
import { folderSource } from './folder-source.js'
import type { ImageFolder } from './image-folder.js'
import { preprocessingOf } from './preprocess/preprocessing.js'

const normalisation = { mean: [0], std: [1] }

/** Images of one pixel, which is their index, decoded with a delay. */
function slowFolder(length = 8) {
  const decoded: number[] = []
  const folder: ImageFolder = {
    length,
    classes: ['even', 'odd'],
    paths: Array.from({ length }, (_, i) => `${i}.png`),
    labels: Uint16Array.from({ length }, (_, i) => i % 2),
    async image(index) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      if (index === 7) throw new Error('7.png: cannot be decoded as an image')
      decoded.push(index)
      return { data: Uint8Array.of(index), height: 1, width: 1, channels: 1 }
    },
  }
  return { folder, decoded }
}

it('gives prepared images, normalised, with their labels', async () => {
  const { folder } = slowFolder()
  const double = ({ data, ...size }: { data: Uint8Array; height: number; width: number; channels: number }) => ({
    ...size,
    data: data.map((x) => 2 * x),
  })
  const source = folderSource(folder, { crop: double, normalisation })
  await source.prepare!([3, 0])
  const images = source.images([3, 0])
  expect(images.shape).toEqual([2, 1, 1, 1])
  expect(Array.from(await images.data(), (x) => Math.round(255 * x))).toEqual([6, 0])
  expect(Array.from(source.labels([3, 0]))).toEqual([1, 0])
  images.dispose()
})

it('prepares images as the details of a model say', async () => {
  const wide = { data: Uint8Array.of(0, 100, 200, 255), height: 1, width: 4, channels: 1 }
  const folder: ImageFolder = { ...slowFolder(1).folder, image: async () => wide }
  const details = { preprocessing: { size: [1, 2], crop: 'squash', cropPct: 1, interpolation: 'nearest', mean: [0.5], std: [0.5] } }
  const source = folderSource(folder, { preprocessing: preprocessingOf(details) })
  await source.prepare!([0])
  const images = source.images([0])
  expect(images.shape).toEqual([1, 1, 2, 1])
  expect(Array.from(await images.data())).toEqual([100, 255].map((pixel) => Math.fround((pixel / 255 - 0.5) / 0.5)))
  images.dispose()
  expect(() => folderSource(folder, { preprocessing: {} as never })).toThrow('preprocessing: size must be')
})

it('holds two batches, so that the next may be prepared before this one is read, and decodes nothing twice', async () => {
  const { folder, decoded } = slowFolder()
  const source = folderSource(folder, { crop: (image) => image, normalisation })
  await source.prepare!([0, 1])
  const next = source.prepare!([1, 2])
  source.images([0, 1]).dispose()
  await next
  source.images([1, 2]).dispose()
  await source.prepare!([3])
  expect(decoded).toEqual([0, 1, 2, 3])
  expect(() => source.images([0])).toThrow('image 0 of a folder must be decoded before it is read: await source.prepare(indices) first')
})

it('says which image cannot be decoded, and which is of another size', async () => {
  const { folder } = slowFolder()
  const source = folderSource(folder, {
    crop: (image) => (image.data[0] === 5 ? { ...image, data: new Uint8Array(2), width: 2 } : image),
    normalisation,
  })
  await expect(source.prepare!([6, 7])).rejects.toThrow('7.png: cannot be decoded as an image')
  await source.prepare!([4, 5])
  expect(() => source.images([4, 5])).toThrow('images of a batch must be of one size, 1 x 1 x 1; image 5 is 1 x 2 x 1')
})

it('reads files without labels, and says so where labels are asked for', async () => {
  const { labels: _, ...files } = slowFolder().folder
  const source = folderSource(files, { crop: (image) => image, normalisation })
  await source.prepare!([1])
  source.images([1]).dispose()
  expect(() => source.labels([1])).toThrow('the images of this folder have no labels; read it with imageFolder')
})
