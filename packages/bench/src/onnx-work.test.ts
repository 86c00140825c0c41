import { startBackend } from '@learngene/testing'
import { memory } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { onnxWork } from './onnx-work.js'

const model = { imageSize: 8, patchSize: 4, channels: 1, width: 16, depth: 3, heads: 4, classes: 3 }

it.each(['forward', 'stitch'] as const)('runs %s, step by step', async (what) => {
  await startBackend('wasm')
  const before = memory().numTensors
  const work = await onnxWork({ what, model, batch: 2 })
  // Of a descendant's pool the rest stays.
  if (what === 'forward') expect(memory().numTensors).toBe(before)
  let steps = 0
  await work.run(3, () => steps++)
  expect(steps).toBe(3)
})

it('does not train', async () => {
  await expect(onnxWork({ what: 'train', model, batch: 2 })).rejects.toThrow("onnxruntime-web is timed in inference alone; 'train' trains")
})
