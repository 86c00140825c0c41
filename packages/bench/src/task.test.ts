import { compileStep } from '@learngene/compile-step'
import type { Rng } from '@learngene/interfaces'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { createViT, forward } from '@learngene/vit-blocks'
import { engine, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { createInputs } from './task.js'

const model = { imageSize: 8, patchSize: 4, channels: 1, width: 8, depth: 1, heads: 2, classes: 3 }
const drawn = (rng: Rng) => Float32Array.from({ length: 2 * 8 * 8 }, () => rng.normal())

it('draws the same images each time, and keeps nothing else', async () => {
  await startBackend('cpu')
  const before = engine().memory().numTensors
  const { images, targets } = createInputs(model, 2)
  expect(engine().memory().numTensors).toBe(before + 2)
  expect(images.shape).toEqual([2, 8, 8, 1])
  expect(await images.data()).toEqual(drawn(createRng(0)))
  expect([...(await targets.data())]).toEqual([1, 0, 0, 0, 1, 0])
  for (const each of [images, targets]) each.dispose()
})

const missing = await startBackend('webgpu').then(
  () => undefined,
  (error: Error) => error.message,
)

describe.skipIf(missing)(`on a GPU${missing ? ` (${missing})` : ''}`, () => {
  it('a recorded step finds the images on the device, and computes what it does of images from the host', async () => {
    await startBackend('webgpu')
    const network = createViT(model, createRng(0))
    const step = compileStep((images: Tensor4D) => forward(network, images).logits)
    const fromHost = tensor4d(drawn(createRng(0)), [2, 8, 8, 1])
    const expected = await step.run(fromHost).data()
    expect(step.stats()).toMatchObject({ uploads: 1, recordings: 1 })
    const { images } = createInputs(model, 2)
    for (let i = 0; i < 3; i++) {
      expect(await step.run(images).data()).toEqual(expected)
      expect(step.stats()).toMatchObject({ uploads: 0, recordings: 1, replays: i + 2 })
    }
    step.dispose()
  })
})
