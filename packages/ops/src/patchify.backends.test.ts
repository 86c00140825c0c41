import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { type Tensor1D, type Tensor4D, tidy, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { linear } from './linear.js'
import { flattenPatchWeight, patchify } from './patchify.js'
import { describeVariants } from './testing/variants.js'

/** A convolution of stride = kernel size, images [B, H, W, C], weight OIHW, as loops. */
async function convolve(images: Tensor4D, weight: Tensor4D, bias: Tensor1D): Promise<number[]> {
  const [pixels, weights, biases] = [await valuesOf(images), await valuesOf(weight), await valuesOf(bias)]
  const [batch, height, width, channels] = images.shape
  const [outputs, , p, q] = weight.shape
  const results = []
  for (let b = 0; b < batch; b++) {
    for (let top = 0; top + p <= height; top += p) {
      for (let left = 0; left + q <= width; left += q) {
        for (let o = 0; o < outputs; o++) {
          let y = biases[o]!
          for (let c = 0; c < channels; c++) {
            for (let i = 0; i < p * q; i++) {
              const [dy, dx] = [Math.floor(i / q), i % q]
              const pixel = pixels[((b * height + top + dy) * width + left + dx) * channels + c]!
              y += pixel * weights[(o * channels + c) * p * q + i]!
            }
          }
          results.push(y)
        }
      }
    }
  }
  return results
}

describeVariants(({ tolerances }) => {
  test.each([1, 3])('with the flattened weight it is a convolution of %i channels', async (channels) => {
    const random = randomTensors(1)
    const images = random<Tensor4D>([2, 6, 9, channels])
    const [weight, bias] = [random<Tensor4D>([5, channels, 3, 3]), random<Tensor1D>([5])]
    const patches = patchify(images, 3)
    expect(patches.shape).toEqual([2 * 2 * 3, 9 * channels])
    await expectClose(linear(patches, flattenPatchWeight(weight), bias), await convolve(images, weight, bias), tolerances.float64)
  })

  test('patches may be rectangles, and pixels after the last whole patch are left out', async () => {
    const random = randomTensors(4)
    const images = random<Tensor4D>([2, 7, 11, 3])
    const [weight, bias] = [random<Tensor4D>([5, 3, 2, 3]), random<Tensor1D>([5])]
    const patches = patchify(images, [2, 3])
    expect(patches.shape).toEqual([2 * 3 * 3, 18])
    await expectClose(linear(patches, flattenPatchWeight(weight), bias), await convolve(images, weight, bias), tolerances.float64)
  })

  test.each([1, 3])('the weight of %i channels has the gradient of the convolution, and nothing leaks', async (channels) => {
    const random = randomTensors(2)
    const [images, bias] = [random<Tensor4D>([1, 4, 4, channels]), random<Tensor1D>([3])]
    const patches = patchify(images, 2)
    await checkGradients(
      (weight) => tidy(() => linear(patches, flattenPatchWeight(weight as Tensor4D), bias, { inputGradient: false })),
      [random([3, channels, 2, 2])],
      tolerances.numericGradient,
    )
  })

  test('flattening a weight leaks nothing', async () => {
    await checkGradients((weight) => flattenPatchWeight(weight as Tensor4D), [randomTensors(3)([2, 3, 2, 2])], tolerances.numericGradient)
  })

  test('patches have the gradient of their values, and nothing leaks', async () => {
    await checkGradients((images) => patchify(images as Tensor4D, 2), [randomTensors(3)([1, 4, 6, 2])], tolerances.numericGradient)
  })
})

test('refuses images into which no patch fits', () => {
  expect(() => patchify(zeros([1, 28, 5, 1]), 7)).toThrow(
    'patchify: a patch of 7 x 7 pixels must fit into the images; got images [1, 28, 5, 1]',
  )
})
