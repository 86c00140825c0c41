import { expectClose, randomTensors } from '@learngene/testing'
import { grads, type Tensor, type Tensor3D } from '@tensorflow/tfjs-core'
import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { attention } from '../../attention.js'
import { findKernel } from '../../kernels.js'
import { compareModes, describeWebGPU, poisonBuffers } from '../../testing/compare-modes.js'
import { attention as float64Attention } from '../../testing/float64.js'

const seed = fc.integer({ min: 0, max: 2 ** 31 })

/** Few, since each is a shader of its own: single values and whole vectors, one row of a lane and two, and one that is too wide for lanes. */
const HEAD_WIDTHS = [1, 7, 32, 66, 132]

describeWebGPU((tolerances) => {
  beforeAll(() => expect(findKernel('LearngeneAttentionGrad')).toBeDefined())

  test('equals its reference form on any shape', async () => {
    const images = fc.integer({ min: 1, max: 2 })
    const tokens = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(32, 64))
    const property = fc.asyncProperty(
      seed,
      images,
      tokens,
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(...HEAD_WIDTHS),
      async (seed, images, tokens, heads, headWidth) => {
        const random = randomTensors(seed)
        const qkv = random<Tensor3D>([images, tokens, 3 * heads * headWidth])
        await poisonBuffers([[images, heads, tokens]])
        await compareModes((qkv) => attention(qkv as Tensor3D, heads), [qkv], random([images, tokens, heads * headWidth]))
      },
    )
    const examples = HEAD_WIDTHS.map((headWidth, i) => [i, 1, [1, 33, 65, 2, 34][i]!, 1 + (i % 3), headWidth] as const)
    await fc.assert(property, { numRuns: 10, examples: examples.map(([...example]) => example) })
  })

  test('follows a float64 loop', async () => {
    const [images, tokens, heads, headWidth] = [2, 37, 2, 20]
    const qkv = randomTensors(3)<Tensor3D>([images, tokens, 3 * heads * headWidth])
    const expected = float64Attention(await qkv.data(), images, tokens, heads, headWidth)
    await expectClose(attention(qkv, heads), expected, tolerances.float64, 'value')
  })

  test('scores around 1000 do not overflow', async () => {
    const [images, tokens, heads, headWidth] = [1, 40, 1, 4]
    const qkv = randomTensors(4)<Tensor3D>([images, tokens, 3 * heads * headWidth], 30)
    const expected = float64Attention(await qkv.data(), images, tokens, heads, headWidth)
    await expectClose(attention(qkv, heads), expected, tolerances.largeScores, 'value')
  })

  test('a batch of no images gives none', async () => {
    const random = randomTensors(5)
    const f = (qkv?: Tensor) => attention(qkv as Tensor3D, 2)
    const [gradient] = grads(f)([random([0, 5, 24])], random([0, 5, 8]))
    expect(gradient!.shape).toEqual([0, 5, 24])
    expect(f(random([0, 5, 24])).shape).toEqual([0, 5, 8])
  })
})
