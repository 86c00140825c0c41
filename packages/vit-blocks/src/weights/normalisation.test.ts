import { expect, it } from 'vitest'
import { readNormalisation } from './normalisation.js'

it('reads mean and std, with the defaults of Hugging Face', () => {
  expect(readNormalisation({ image_mean: [0.1], image_std: [2] }, 'x')).toEqual({ mean: [0.1], std: [2] })
  expect(readNormalisation({}, 'x')).toEqual({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] })
  expect(readNormalisation({ do_normalize: false }, 'x')).toEqual({ mean: [0, 0, 0], std: [1, 1, 1] })
})

it.each([
  [{ image_mean: 0.5 }, 'x: image_mean must be a list of numbers, found 0.5'],
  [{ image_std: ['a'] }, 'x: image_std must be a list of numbers, found ["a"]'],
  [{ image_mean: [] }, 'x: image_mean must be a list of numbers, found []'],
  [{ image_mean: [0.5] }, 'found [0.5] and [0.5,0.5,0.5]'],
  [{ image_std: [1, 0, 1] }, 'those of image_std positive, found [0.5,0.5,0.5] and [1,0,1]'],
])('refuses %j', (config, message) => {
  expect(() => readNormalisation(config, 'x')).toThrow(message)
})
