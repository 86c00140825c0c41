import { describeEachBackend, expectClose } from '@learngene/testing'
import { tensor } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { normalise } from './normalise.js'
import { toTensor } from './to-tensor.js'

const normalisation = { mean: [0.5, 0.25, 0.1], std: [0.2, 0.3, 0.4] }
const pixels = Uint8Array.from({ length: 2 * 5 * 3 * 3 }, (_, i) => (i * 37) % 256)

describeEachBackend(({ tolerances }) => {
  it('gives the same tensor wherever the pixels are normalised', async () => {
    const images = toTensor(pixels, [2, 5, 3, 3], normalisation)
    expect(images.dtype).toBe('float32')
    await expectClose(images, tensor(normalise(pixels, normalisation), [2, 5, 3, 3]), tolerances.identity)
  })

  it('refuses a channel that cannot be scaled', () => {
    expect(() => toTensor(pixels, [2, 5, 3, 3], { ...normalisation, std: [1, 0, 1] })).toThrow(
      'the std of channel 1 must be a positive number',
    )
  })
})
