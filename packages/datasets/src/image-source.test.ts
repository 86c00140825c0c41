import '@tensorflow/tfjs-backend-cpu'
import type { Dataset, RawImage } from '@learngene/interfaces'
import type { BatchContext, ImageSource } from '@learngene/interfaces/tensors'
import { memory } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { arrayDataset } from './array-dataset.js'
import type { Augmentation } from './augment/augment.js'
import { numberedDataset } from './dataset.fixture.js'
import { imageSource } from './image-source.js'
import { preprocessingOf } from './preprocess/preprocessing.js'
import { testRng } from './rng.fixture.js'

/** Pixels come out as they are. */
const asIs = { mean: [0], std: [1 / 255] }
const cut = { size: [1, 1], resize: 'none', centerCrop: true, interpolation: 'bicubic', ...asIs } as const

const rows = (pixels: readonly number[], labels: readonly number[], classes = ['a', 'b']) =>
  arrayDataset({
    name: 'rows',
    imageShape: [1, pixels.length / labels.length, 1],
    classes,
    pixels: Uint8Array.from(pixels),
    labels: Uint8Array.from(labels),
  })

/** Pictures of one pixel, which is their index, each after a wait. */
function slowDataset(length = 8): Dataset & { readonly most: () => number } {
  let [running, most] = [0, 0]
  return {
    ...numberedDataset(Array.from({ length }, (_, i) => i % 2)),
    nameOf: (index) => `${index}.png`,
    async picture(index) {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, index % 3))
      running--
      if (index === 7) throw new Error('7.png: cannot be decoded as an image')
      const width = index === 5 ? 2 : 1
      return { data: new Uint8Array(width).fill(index), height: 1, width, channels: 1 }
    },
    most: () => most,
  }
}

/** Shape, values and targets of a batch, which is freed. */
async function read(source: ImageSource, indices: ArrayLike<number>, context?: BatchContext) {
  const { images, targets } = await source.batch(indices, context)
  const found = { shape: images.shape, values: Array.from(await images.data(), Math.round), targets: await targets.array() }
  expect([images.dtype, targets.dtype, targets.rank]).toEqual(['float32', 'float32', 2])
  images.dispose()
  targets.dispose()
  return found
}

it('gives normalised images and one-hot targets by index', async () => {
  const source = imageSource(rows([0, 255, 51, 102], [0, 1]), { mean: [0.2], std: [0.5] })
  expect(source).toMatchObject({ length: 2, classes: ['a', 'b'], augmented: false })
  const { images, targets } = await source.batch(Uint32Array.of(1, 0))
  expect(images.shape).toEqual([2, 1, 2, 1])
  const values = await images.data()
  ;[0, 0.4, -0.4, 1.6].forEach((value, i) => {
    expect(values[i]).toBeCloseTo(value, 6)
  })
  expect(await targets.array()).toEqual([
    [0, 1],
    [1, 0],
  ])
  images.dispose()
  targets.dispose()
})

it('gives targets without columns where nothing is labelled', async () => {
  const source = imageSource({ ...rows([1, 2, 3], [0, 0, 0]), classes: [], labels: [] }, asIs)
  const { images, targets } = await source.batch([2, 0])
  expect([source.classes, targets.shape, Array.from(await images.data(), Math.round)]).toEqual([[], [2, 0], [3, 1]])
  images.dispose()
  targets.dispose()
})

it('prepares images as the details of a model say, whatever their sizes', async () => {
  const source = imageSource(rows([1, 2, 3, 4, 5, 6], [0, 1]), cut)
  expect(await read(source, [1, 0])).toMatchObject({ shape: [2, 1, 1, 1], values: [5, 2] })
  const details = { preprocessing: { size: [1, 2], crop: 'squash', cropPct: 1, interpolation: 'nearest', ...asIs } }
  const wide = [Uint8Array.of(0, 100, 200, 255), Uint8Array.of(7)]
  const mixed = { ...rows([1, 2], [0, 1]), picture: (i: number) => ({ data: wide[i]!, height: 1, width: wide[i]!.length, channels: 1 }) }
  expect(await read(imageSource(mixed, preprocessingOf(details)), [0, 1])).toMatchObject({ shape: [2, 1, 2, 1], values: [100, 255, 7, 7] })
})

it('refuses a preparation that is not possible before it reads', () => {
  expect(() => imageSource(rows([1], [0]), { ...cut, size: [1, 0] })).toThrow('preprocessing: size must be')
  expect(() => imageSource(rows([1], [0]), { mean: [0], std: [0] })).toThrow('the std of channel 0 must be a positive number')
  expect(() => imageSource(rows([1], [0]), undefined as never)).toThrow(
    'imageSource needs a preprocessing (see preprocessingOf) or { mean, std }',
  )
  expect(() => imageSource('flowers' as never, asIs)).toThrow(
    'imageSource needs a dataset, as imageFolder or arrayDataset make one, got "flowers"',
  )
  expect(() => imageSource(rows([1], [0]), asIs, { augmnt: {} } as never)).toThrow(
    'imageSource has no setting augmnt, did you mean augment?',
  )
})

it('keeps the order of the indices whatever decodes first, a few at a time', async () => {
  const dataset = slowDataset(60)
  const wanted = Array.from({ length: 50 }, (_, i) => 59 - i)
  const { values, targets } = await read(imageSource(dataset, asIs), wanted)
  expect(values).toEqual(wanted)
  expect(targets.map((row) => row.indexOf(1))).toEqual(wanted.map((index) => index % 2))
  expect(dataset.most()).toBe(8)
})

it('names the picture that cannot be decoded, does not fit or is of another size, and leaks nothing', async () => {
  const before = memory().numTensors
  const slow = imageSource(slowDataset(), asIs)
  await expect(slow.batch([6, 7])).rejects.toThrow('7.png: cannot be decoded as an image')
  await expect(slow.batch([4, 5])).rejects.toThrow(
    '5.png: the images of a batch must be of one size, got 1 x 2 x 1, but 4.png is 1 x 1 x 1; give imageSource a preprocessing with a size',
  )
  await expect(imageSource(rows([1, 2], [0]), { ...cut, centerCrop: false }).batch([0])).rejects.toThrow(
    'image 0 of rows: the preprocessing neither resizes nor crops',
  )
  await expect(slow.batch([])).rejects.toThrow('numbered: a batch needs the index of at least 1 image, got none')
  await expect(imageSource(rows([1], [0]), asIs).batch([1])).rejects.toThrow('rows: image indices are integers from 0 to 0, got 1')
  await expect(imageSource(rows([1], [0]), { mean: [0, 0], std: [1, 1] }).batch([0])).rejects.toThrow(
    'image 0 of rows: pictures can be brought to 1 or 3 channels, got 1 for 2',
  )
  const wrong = { ...rows([1, 2], [0, 0]), labels: [0, 2] }
  await expect(imageSource(wrong, asIs).batch([1])).rejects.toThrow(
    'image 1 of rows: its label must be below the number of classes, 2, got 2',
  )
  expect(memory().numTensors).toBe(before)
})

it('stops where the signal aborts', async () => {
  const dataset = slowDataset(60)
  const source = imageSource(dataset, asIs)
  await expect(source.batch([0], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
  const controller = new AbortController()
  let decoded = 0
  const counting = {
    ...dataset,
    picture(index: number) {
      if (++decoded === 20) controller.abort(new Error('stop'))
      return dataset.picture(index)
    },
  }
  const all = Array.from({ length: 50 }, (_, i) => 10 + i)
  await expect(imageSource(counting, asIs).batch(all, { signal: controller.signal })).rejects.toThrow('stop')
  expect(decoded).toBeLessThan(30)
})

it('keeps pictures that took time to prepare, before they are augmented, as long as there is room', async () => {
  const source = rows([1, 2, 3, 4, 5, 6], [0, 1])
  let decoded = 0
  const slow = (dataset: Dataset): Dataset => ({
    ...dataset,
    async picture(index) {
      decoded++
      return dataset.picture(index)
    },
  })
  const epochs = async (dataset: Dataset, ...rest: [Parameters<typeof imageSource>[1], Parameters<typeof imageSource>[2]?]) => {
    decoded = 0
    const folder = imageSource(dataset, ...rest)
    const [first, second] = [
      await read(folder, [0, 1, 1], { rng: testRng(1) }),
      await read(folder, [0, 1, 1], { step: 1, rng: testRng(1) }),
    ]
    return { first, second, decoded }
  }
  const all = await epochs(slow(source), asIs)
  expect(all.decoded).toBe(3)
  expect(all.second).toEqual(all.first)
  expect((await epochs(slow(source), asIs, { memoryLimit: 0 })).decoded).toBe(6)
  expect((await epochs(slow(source), asIs, { memoryLimit: 5 })).decoded).toBe(5)
  expect((await epochs(slow(source), cut, { memoryLimit: 2 })).decoded).toBe(3)
  const changed = await epochs(slow(source), asIs, { augment: { custom: addNoise } })
  expect(changed.decoded).toBe(3)
  expect(changed.second.values).not.toEqual(changed.first.values)
  expect(() => imageSource(source, asIs, { memoryLimit: -1 })).toThrow('memoryLimit must be a number of bytes of at least 0, got -1')
})

it('augments by step and index, whatever else is in the batch', async () => {
  const pixels = Array.from({ length: 120 }, (_, i) => i)
  const source = imageSource(rows(pixels, new Array(6).fill(0)), asIs, { augment: { flip: true, custom: addNoise } })
  expect(source.augmented).toBe(true)
  const rng = testRng(1)
  const both = await read(source, [2, 5], { step: 3, rng })
  expect((await read(source, [5], { step: 3, rng })).values).toEqual(both.values.slice(20))
  expect((await read(source, [5, 2], { step: 3, rng: testRng(1) })).values.slice(20)).toEqual(both.values.slice(0, 20))
  expect((await read(source, [5], { step: 4, rng })).values).not.toEqual(both.values.slice(20))
  expect((await read(source, [5], { step: 3, rng: testRng(2) })).values).not.toEqual(both.values.slice(20))
  await expect(source.batch([0])).rejects.toThrow('rows: a source that augments needs a generator: batch(indices, { step, rng })')
})

it('erases after normalising, and mixes images and targets the same way', async () => {
  const dataset = rows(
    Array.from({ length: 16 * 4 }, (_, i) => 1 + Math.floor(i / 16)),
    [0, 1, 2, 2],
    ['a', 'b', 'c'],
  )
  const square = { ...dataset, picture: (index: number) => ({ ...(dataset.picture(index) as RawImage), height: 4, width: 4 }) }
  const rng = testRng(8)
  const batch = (augment: Augmentation, step = 0) => read(imageSource(square, asIs, { augment }), [0, 1, 2, 3], { rng, step })

  const { values } = await batch({ erasing: { probability: 1, mode: 'const', area: [0.25, 0.25], ratio: 1 } })
  expect(values.filter((value) => value === 0)).toHaveLength(16)
  expect(new Set(values)).toEqual(new Set([0, 1, 2, 3, 4]))

  const averaged = await imageSource(square, { mean: [0], std: [1 / 255] }, { augment: { mixup: 1 } }).batch([0, 1, 2, 3], { rng })
  const [[own]] = (await averaged.targets.array()) as [[number]]
  expect(own).toBeGreaterThan(0)
  expect(own).toBeLessThan(1)
  const pixels = await averaged.images.data()
  expect(pixels[0]).toBeCloseTo(own + 4 * (1 - own), 4)
  expect(pixels[16]).toBeCloseTo(2 * own + 3 * (1 - own), 4)
  expect(await averaged.targets.array()).toEqual(
    [
      [own, 0, 1 - own],
      [0, own, 1 - own],
      [0, 1 - own, own],
      [1 - own, 0, own],
    ].map((row) => row.map((value) => expect.closeTo(value, 6))),
  )
  for (const tensor of Object.values(averaged)) tensor.dispose()

  for (const augment of [{ cutmix: 1 }, { cutmix: 1, erasing: { probability: 1e-9 } }]) {
    const cut = await batch(augment, 2)
    const [first, last] = [cut.values.slice(0, 16), cut.values.slice(48)]
    expect(first.map((value, i) => value + last[i]!)).toEqual(new Array(16).fill(5))
    expect(cut.targets[0]![0]).toBeCloseTo(first.filter((value) => value === 1).length / 16, 6)
    expect(new Set(first)).toEqual(new Set([1, 4]))
  }
})

it('smooths targets without being random', async () => {
  const source = imageSource(rows([1, 2], [0, 1]), asIs, { augment: { labelSmoothing: 0.1 } })
  expect(source.augmented).toBe(false)
  const { targets } = await read(source, [1])
  expect(targets[0]![0]).toBeCloseTo(0.05, 6)
  expect(targets[0]![1]).toBeCloseTo(0.95, 6)
})

it('cuts at random out of the picture as it is stored, in the size of the preprocessing', async () => {
  const dataset = rows(
    Array.from({ length: 40 }, (_, i) => i),
    [0, 0],
  )
  const augment = { randomResizedCrop: { scale: [0.5, 0.5], ratio: [10, 10], interpolation: 'nearest' } } as const
  const source = imageSource(dataset, { ...cut, size: [1, 10] }, { augment })
  const { shape, values } = await read(source, [0, 1], { rng: testRng(1) })
  expect(shape).toEqual([2, 1, 10, 1])
  expect(values.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, i) => values[0]! + i))
  expect(values[10]).toBeGreaterThan(19)
})

const addNoise = (image: RawImage, rng: { integer(bound: number): number }): RawImage => ({
  ...image,
  data: image.data.map((value) => value + rng.integer(9)),
})

it('has a fingerprint of the dataset, the preparation and the augmentation', async () => {
  const print = (pixels: number[], ...rest: [Parameters<typeof imageSource>[1], Parameters<typeof imageSource>[2]?]) =>
    imageSource(rows(pixels, [0]), ...rest).fingerprint!()
  const prints = await Promise.all([
    print([1], asIs),
    print([2], asIs),
    print([1], { ...asIs, mean: [0.5] }),
    print([1], cut),
    print([1], asIs, { augment: { flip: true } }),
    print([1], asIs, { augment: { shift: 1 } }),
    print([1], asIs, { augment: { custom: addNoise } }),
  ])
  expect(new Set(prints).size).toBe(7)
  expect(await print([1], { std: asIs.std, mean: asIs.mean }, {})).toBe(prints[0])
})
