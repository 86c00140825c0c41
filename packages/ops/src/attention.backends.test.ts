import { checkGradients, expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { type Tensor3D, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { attention } from './attention.js'
import { attention as attentionInDouble } from './testing/float64.js'
import { describeVariants } from './testing/variants.js'

describeVariants(({ tolerances }) => {
  test.each([
    { images: 2, tokens: 5, heads: 2, headWidth: 3 },
    { images: 1, tokens: 1, heads: 1, headWidth: 4 },
    { images: 1, tokens: 6, heads: 3, headWidth: 1 },
  ])('has the gradient of its values, and leaks nothing: $images x $tokens, $heads x $headWidth', async (sizes) => {
    const { images, tokens, heads, headWidth } = sizes
    const qkv = randomTensors(1)([images, tokens, 3 * heads * headWidth])
    await checkGradients((qkv) => attention(qkv as Tensor3D, heads), [qkv], tolerances.numericGradient)
  })

  test.each([
    { images: 2, tokens: 17, heads: 3, headWidth: 8 },
    { images: 1, tokens: 70, heads: 2, headWidth: 6 },
    { images: 3, tokens: 1, heads: 2, headWidth: 5 },
  ])('equals loops in double precision: $images x $tokens, $heads x $headWidth', async ({ images, tokens, heads, headWidth }) => {
    const qkv = randomTensors(2)<Tensor3D>([images, tokens, 3 * heads * headWidth])
    const y = attention(qkv, heads)
    expect(y.shape).toEqual([images, tokens, heads * headWidth])
    await expectClose(y, attentionInDouble(await valuesOf(qkv), images, tokens, heads, headWidth), tolerances.float64)
  })

  test('stays finite and exact for large scores of either sign', async () => {
    const qkv = randomTensors(3)<Tensor3D>([1, 6, 12], 40)
    await expectClose(attention(qkv, 1), attentionInDouble(await valuesOf(qkv), 1, 6, 1, 4), tolerances.largeScores)
  })
})

test('refuses widths and heads that do not fit', () => {
  const qkv = zeros([1, 2, 10]) as Tensor3D
  expect(() => attention(qkv, 2)).toThrow('attention: the last dimension of qkv must divide by 3 x heads = 6; got qkv [1, 2, 10]')
  for (const heads of [0, 1.5, -1, Number.NaN]) expect(() => attention(qkv, heads)).toThrow('attention:')
})
