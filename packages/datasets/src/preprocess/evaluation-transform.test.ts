import type { Preprocessing } from '@learngene/interfaces'
import { expect, it } from 'vitest'
import { evaluationCrop, evaluationTransform } from './evaluation-transform.js'

const normalisation = { mean: [0.5, 0.25, 0], std: [0.5, 0.25, 1] }
const center = (size: number, cropPct: number): Preprocessing => ({
  size: [size, size],
  crop: 'center',
  cropPct,
  interpolation: 'bicubic',
  ...normalisation,
})
const orange = {
  data: Uint8Array.from({ length: 9 * 12 * 3 }, (_, i) => [255, 51, 0][i % 3]!),
  height: 9,
  width: 12,
  channels: 3,
}

it('gives normalised pixels, height x width x channels', () => {
  const values = evaluationTransform(center(4, 0.6))(orange)
  expect(values).toHaveLength(4 * 4 * 3)
  for (const [i, value] of values.entries()) expect(value).toBe(Math.fround([1, (51 / 255 - 0.25) / 0.25, 0][i % 3]!))
})

it.each([
  [224, 0.875, 256],
  [224, 0.9, 248],
  [384, 1, 384],
  [32, 0.95, 33],
])('takes the share of size %i and cropPct %d as the short side %i, as transformers states it', (size, cropPct, shortest) => {
  const grey = { data: Uint8Array.from({ length: 20 * 30 }, (_, i) => (i * 37) % 256), height: 20, width: 30, channels: 1 }
  const { crop, cropPct: _, ...rest } = center(size, cropPct) as Extract<Preprocessing, { readonly crop: string }>
  expect(evaluationCrop(grey, { ...rest, resize: { shortest }, centerCrop: true })).toEqual(evaluationCrop(grey, center(size, cropPct)))
})

it('pads with the mean colour, rounded as Python rounds', () => {
  const tall = { data: new Uint8Array(3 * 3).fill(7), height: 3, width: 1, channels: 3 }
  const padded = evaluationCrop(tall, { ...center(3, 1), crop: 'border', mean: [0.5, 0.1, 0] })
  expect([...padded.data.subarray(0, 6)]).toEqual([128, 26, 0, 7, 7, 7])
})

it('refuses images of other channels', () => {
  const transform = evaluationTransform({ ...center(4, 1), mean: [0], std: [1] })
  expect(() => transform(orange)).toThrow('images of 3 channels need 3 means and stds, got 1')
})
