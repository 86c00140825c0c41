import '@tensorflow/tfjs-backend-cpu'
import { memory } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { normalise } from './normalise.js'
import { toTensor } from './to-tensor.js'

const rgb = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

describe('toTensor', () => {
  const pixels = Uint8Array.from({ length: 2 * 2 * 1 * 3 }, (_, i) => i * 20)

  it('is the normalised pixels as float32 [B, h, w, c]', async () => {
    const before = memory().numTensors
    const x = toTensor(pixels, [2, 2, 1, 3], rgb)
    expect(x.shape).toEqual([2, 2, 1, 3])
    expect(x.dtype).toBe('float32')
    expect(await x.data()).toEqual(normalise(pixels, rgb))
    x.dispose()
    expect(memory().numTensors).toBe(before)
  })

  it('refuses a shape that does not fit the pixels or the channels', () => {
    expect(() => toTensor(pixels, [2, 2, 2, 3], rgb)).toThrow('shape 2 x 2 x 2 x 3 needs 24 pixels, got 12')
    expect(() => toTensor(pixels, [2, 6, 1, 1], rgb)).toThrow('images of 1 channels need 1 means and stds, got 3')
  })
})
