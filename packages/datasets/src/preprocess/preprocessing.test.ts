import type { Preprocessing } from '@learngene/interfaces'
import { expect, it } from 'vitest'
import { evaluationCrop, evaluationTransform } from './evaluation-transform.js'
import { preprocessingOf } from './preprocessing.js'

const normalisation = { mean: [0.5], std: [0.25] }
const squash: Preprocessing = { size: [16, 16], crop: 'squash', cropPct: 1, interpolation: 'bilinear', ...normalisation }

it("reads a model's details", () => {
  expect(preprocessingOf({ preprocessing: squash, normalisation: 'older' })).toEqual(squash)
})

it("leaves images of the network's size as they are where the details hold a normalisation alone, and brings others to it", () => {
  const tall = preprocessingOf({ normalisation }, [2, 1])
  const image = { data: Uint8Array.of(255, 0), height: 2, width: 1, channels: 1 }
  expect(evaluationTransform(tall)(image)).toEqual(Float32Array.of(2, -2))
  expect(evaluationCrop(image, tall)).toBe(image)
  expect(evaluationCrop({ data: new Uint8Array(12).fill(9), height: 4, width: 3, channels: 1 }, tall).data).toEqual(Uint8Array.of(9, 9))
  const square = preprocessingOf({ normalisation }, [2, 2])
  expect(square).toEqual({ size: [2, 2], crop: 'center', cropPct: 1, interpolation: 'bicubic', ...normalisation })
  const wide = { data: Uint8Array.of(9, 1, 2, 9, 9, 3, 4, 9), height: 2, width: 4, channels: 1 }
  expect(evaluationCrop(wide, square)).toMatchObject({ data: Uint8Array.of(1, 2, 3, 4), height: 2, width: 2 })
})

it('takes images of one size alone where the preprocessing neither resizes nor crops', () => {
  const fixed: Preprocessing = { size: [2, 1], resize: 'none', centerCrop: false, interpolation: 'bicubic', ...normalisation }
  expect(() => evaluationCrop({ data: Uint8Array.of(255, 0), height: 1, width: 2, channels: 1 }, fixed)).toThrow(
    "the preprocessing neither resizes nor crops images to the network's 2 x 1, so they must be of that size, got 1 x 2",
  )
})

it.each([
  [{}, undefined, "a model's details must hold `preprocessing`, or `normalisation` { mean, std }"],
  [{ normalisation }, undefined, "need the size of the network's images: preprocessingOf(details, [height, width])"],
  [{ normalisation: { mean: [0.5], std: [0] } }, [2, 2] as const, 'the std of channel 0 must be a positive number, got 0'],
  [{ normalisation: { mean: ['a'], std: [1] } }, [2, 2] as const, 'details.normalisation: mean and std must be lists of numbers'],
  [{ preprocessing: [] }, undefined, 'details.preprocessing: must be an object, got []'],
])('refuses %j', (details, size, message) => {
  expect(() => preprocessingOf(details, size)).toThrow(message)
})

const transformers = { ...squash, crop: undefined, cropPct: undefined, centerCrop: true }

it.each([
  [{ ...squash, size: 16 }, 'preprocessing: size must be [height, width], two positive integers, got 16'],
  [{ ...squash, size: [16, 0] }, 'got [16,0]'],
  [{ ...squash, interpolation: 'box' }, 'interpolation must be one of nearest, bilinear, bicubic, lanczos, got "box"'],
  [{ ...squash, mean: [0.5, 0.5] }, 'one mean and one std per channel, got 2 and 1'],
  [{ ...squash, crop: undefined }, "give either timm's { crop, cropPct } or transformers' { resize, centerCrop }"],
  [{ ...squash, resize: 'none' }, 'got {"crop":"squash","resize":"none"}'],
  [{ ...squash, crop: 'centre' }, "crop must be 'center', 'squash' or 'border', got \"centre\""],
  [{ ...squash, cropPct: undefined }, 'cropPct must be above 0 and at most 1, got undefined'],
  [{ ...squash, cropPct: 87.5 }, 'cropPct must be above 0 and at most 1, got 87.5'],
  [{ ...transformers, resize: 224 }, "resize must be { shortest: pixels }, { squash: [height, width] } or 'none', got 224"],
  [{ ...transformers, resize: { shortest: 0 } }, 'got {"shortest":0}'],
  [{ ...transformers, resize: { shortest: 8, squash: [8, 8] } }, 'resize must be'],
  [{ ...transformers, resize: null }, 'resize must be'],
  [{ ...transformers, resize: 'none', centerCrop: 1 }, 'centerCrop must be true or false, got 1'],
])('refuses %j before it sees an image', (preprocessing, message) => {
  expect(() => evaluationTransform(preprocessing as unknown as Preprocessing)).toThrow(message)
})
