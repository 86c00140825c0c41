import { expect, it } from 'vitest'
import { type EvaluationCrop, evaluationCrop, evaluationTransform } from './evaluation-transform.js'

const normalisation = { mean: [0.5, 0.25, 0], std: [0.5, 0.25, 1] }
const orange = {
  data: Uint8Array.from({ length: 9 * 12 * 3 }, (_, i) => [255, 51, 0][i % 3]!),
  height: 9,
  width: 12,
  channels: 3,
}

it('gives normalised pixels, height x width x channels', () => {
  const values = evaluationTransform({ size: 4, resize: 6, ...normalisation })(orange)
  expect(values).toHaveLength(4 * 4 * 3)
  for (const [i, value] of values.entries()) expect(value).toBe(Math.fround([1, (51 / 255 - 0.25) / 0.25, 0][i % 3]!))
})

it.each([
  [224, 0.875, 256],
  [224, 0.9, 248],
  [384, 1, 384],
  [32, 0.95, 33],
])('takes the share of size %i and cropPct %d as the short side %i', (size, cropPct, resize) => {
  const grey = { data: Uint8Array.from({ length: 20 * 30 }, (_, i) => (i * 37) % 256), height: 20, width: 30, channels: 1 }
  expect(evaluationCrop(grey, { size, cropPct })).toEqual(evaluationCrop(grey, { size, resize }))
})

it.each([
  [{ size: 224 }, 'give either the short side'],
  [{ size: 224, resize: 256, cropPct: 0.875 }, 'give either the short side'],
  [{ size: 0, resize: 256 }, 'the size of the crop must be a positive integer, got 0'],
  [{ size: 224, resize: 200 }, 'resize must be an integer of at least the size of the crop, 224, got 200'],
  [{ size: 224, resize: 256.5 }, 'got 256.5'],
  [{ size: 224, cropPct: 0 }, 'cropPct must be above 0 and at most 1, got 0'],
  [{ size: 224, cropPct: 87.5 }, 'cropPct must be above 0 and at most 1, got 87.5'],
])('refuses %o before it sees an image', (options, message) => {
  expect(() => evaluationTransform({ ...(options as EvaluationCrop), ...normalisation })).toThrow(message)
})

it('refuses a std of zero before it sees an image, and images of other channels', () => {
  expect(() => evaluationTransform({ size: 4, resize: 6, mean: [0], std: [0] })).toThrow('std of channel 0 must be a positive number')
  const transform = evaluationTransform({ size: 4, resize: 6, mean: [0], std: [1] })
  expect(() => transform(orange)).toThrow('images of 3 channels need 3 means and stds, got 1')
})
