import type { RawImage, Rng } from '@learngene/interfaces'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { testRng } from '../rng.fixture.js'
import { type Augmentation, augmentationSteps } from './augment.js'

/** What is done to one picture. */
const augmentOne = (augment: Augmentation) => augmentationSteps(augment, { mean: [0.5], std: [1] }).change!

/** Draws what it is told to. */
const scripted = (...draws: number[]): Rng => ({ ...testRng(0), integer: () => draws.shift()!, uniform: () => draws.shift()! })
const image: RawImage = { data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), height: 3, width: 3, channels: 1 }

describe('shift', () => {
  const shifted = (down: number, right: number) => [...augmentOne({ shift: 2 })(image, scripted(down + 2, right + 2)).data]

  it('moves an image and fills with zeros', () => {
    expect(shifted(0, 0)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(shifted(1, 0)).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6])
    expect(shifted(0, -1)).toEqual([2, 3, 0, 5, 6, 0, 8, 9, 0])
    expect(shifted(-2, 2)).toEqual([0, 0, 7, 0, 0, 0, 0, 0, 0])
  })

  it('draws all shifts', () => {
    const dot = { ...image, data: Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0) }
    const [augment, rng] = [augmentOne({ shift: 1 }), testRng(3)]
    expect(new Set(Array.from({ length: 200 }, () => augment(dot, rng).data.indexOf(1)))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8]))
  })

  it('refuses what is no number of pixels, and what can move an image out of sight', () => {
    expect(() => augmentOne({ shift: -1 })).toThrow('augment.shift must be an integer of at least 0, got -1')
    expect(() => augmentOne({ shift: 0.5 })).toThrow('got 0.5')
    expect(() => augmentOne({ shift: 3 })(image, testRng(0))).toThrow('3 x 3 out of sight; use at most 2')
  })
})

describe('flip', () => {
  it('mirrors left to right, channel by channel, before a shift', () => {
    expect([...augmentOne({ flip: true })(image, scripted(0.49)).data]).toEqual([3, 2, 1, 6, 5, 4, 9, 8, 7])
    expect(augmentOne({ flip: true })(image, scripted(0.5))).toBe(image)
    expect([...augmentOne({ flip: 0.1, shift: 1 })(image, scripted(0.09, 1, 2)).data]).toEqual([0, 3, 2, 0, 6, 5, 0, 9, 8])
    const colours = { data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), height: 2, width: 2, channels: 2 }
    expect([...augmentOne({ flip: 1 })(colours, testRng(0)).data]).toEqual([3, 4, 1, 2, 7, 8, 5, 6])
  })

  it.each([
    [true, 0.5],
    [0.2, 0.2],
  ])('of %s happens with probability %d', (flip, probability) => {
    const [augment, rng] = [augmentOne({ flip }), testRng(3)]
    const mirrored = Array.from({ length: 2000 }, () => augment(image, rng)).filter((found) => found !== image).length
    expect(mirrored / 2000).toBeGreaterThan(probability - 0.04)
    expect(mirrored / 2000).toBeLessThan(probability + 0.04)
  })

  it('refuses what is no probability', () => {
    expect(() => augmentOne({ flip: 1.5 })).toThrow('augment.flip must be a number from 0 to 1, got 1.5')
    expect(() => augmentOne({ flip: 'yes' as never })).toThrow("got 'yes'")
  })
})

it('leaves the given pixels alone and makes none up', () => {
  fc.assert(
    fc.property(fc.nat(), fc.uint8Array({ minLength: 20, maxLength: 20 }), (seed, pixels) => {
      const before = pixels.slice()
      const augmented = augmentOne({ shift: 1, flip: true })({ data: pixels, height: 2, width: 5, channels: 2 }, testRng(seed))
      expect(pixels).toEqual(before)
      expect(augmented.data).toHaveLength(20)
      const left = [...pixels]
      for (const value of augmented.data.filter((value) => value > 0)) {
        expect(left).toContain(value)
        left.splice(left.indexOf(value), 1)
      }
    }),
    { seed: 1, numRuns: 50 },
  )
})

describe('augmentationSteps', () => {
  const normalisation = { mean: [0.5], std: [1] }

  it('applies the changes in timm’s order, each with draws of its own', () => {
    const wide = { data: Uint8Array.of(10, 20, 30, 40), height: 1, width: 4, channels: 1 }
    const augment: Augmentation = {
      randomResizedCrop: { scale: [0.5, 0.5], ratio: [2, 2], interpolation: 'nearest' },
      flip: 1,
      randAugment: { layers: 1, magnitude: 10, std: 0 },
      custom: ({ data, ...size }) => ({ ...size, data: data.map((value) => value / 5) }),
    }
    const { change, custom } = augmentationSteps(augment, {
      ...normalisation,
      size: [1, 2],
      resize: 'none',
      centerCrop: false,
      interpolation: 'bicubic',
    })
    // Crop: area, aspect, top, left; flip; operation 2 is Invert, applied, with an interpolation.
    const inverted = [255 - 40, 255 - 30]
    const changed = change!(wide, scripted(0, 0, 0, 2, 0, 2, 0.9, 0))
    expect(changed).toEqual({ data: Uint8Array.from(inverted), height: 1, width: 2, channels: 1 })
    expect(custom!(changed, testRng(0)).data).toEqual(Uint8Array.of(43, 45))
  })

  it('does nothing unless told to', () => {
    const nothing = { custom: undefined, erase: undefined, mix: undefined, labelSmoothing: 0 }
    for (const augment of [{}, { flip: false, shift: 0, mixup: 0 }, { mixup: 1, mixProbability: 0 }]) {
      expect(augmentationSteps(augment, normalisation)).toEqual(nothing)
    }
    expect(augmentationSteps({ mixup: 0.8 }, normalisation).mix).toEqual({
      mixup: 0.8,
      cutmix: 0,
      mixProbability: 1,
      switchProbability: 0.5,
    })
  })

  it.each<[object, string]>([
    [{ mixUp: 1 }, 'augment has no setting mixUp, did you mean mixup? Known: randomResizedCrop, flip, shift,'],
    [{ randaugment: {} }, 'augment has no setting randaugment, did you mean randAugment?'],
    [{ randAugment: { magnitud: 9 } }, 'augment.randAugment has no setting magnitud, did you mean magnitude?'],
    [{ randAugment: true }, 'augment.randAugment must be an object with some of layers, magnitude, std, increasing, got true'],
    [{ randAugment: { layers: 1.5 } }, 'augment.randAugment.layers must be an integer of at least 1, got 1.5'],
    [{ randAugment: { magnitude: 11 } }, 'augment.randAugment.magnitude must be a number from 0 to 10, got 11'],
    [{ randomResizedCrop: { scale: [1, 0.5] } }, 'augment.randomResizedCrop.scale must be two numbers, the smaller one first, got [1,0.5]'],
    [{ randomResizedCrop: { scale: [0, 1] } }, 'augment.randomResizedCrop.scale[0] must be a number above 0'],
    [{ randomResizedCrop: { scale: [0.5, 1.5] } }, 'augment.randomResizedCrop.scale[1] must be a number'],
    [{ randomResizedCrop: { interpolation: 'box' } }, 'must be one of random, nearest, bilinear, bicubic, lanczos, got box'],
    [{ erasing: { mode: 'noise' } }, "augment.erasing.mode must be 'const', 'rand' or 'pixel', got 'noise'"],
    [{ erasing: { probability: 2 } }, 'augment.erasing.probability must be a number from 0 to 1, got 2'],
    [{ erasing: { area: [0.5, 0.1] } }, 'augment.erasing.area must be two shares from 0 to 1, the smaller one first, got [0.5,0.1]'],
    [{ mixup: -1 }, 'augment.mixup must be a number of at least 0, got -1'],
    [{ cutmix: '1' }, "augment.cutmix must be a number of at least 0, got '1'"],
    [{ switchProbability: Number.NaN }, 'augment.switchProbability must be a number from 0 to 1, got NaN'],
    [{ labelSmoothing: 1 }, 'augment.labelSmoothing must be from 0 to below 1, got 1'],
    [{ custom: 'invert' }, 'augment.custom must be a function from an image and a generator to an image, got "invert"'],
    [[], 'augment must be an object'],
  ])('refuses %j', (augment, message) => {
    expect(() => augmentationSteps(augment as Augmentation, normalisation)).toThrow(message)
  })
})
