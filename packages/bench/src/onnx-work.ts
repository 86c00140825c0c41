import { toOnnx } from '@learngene/export'
import { disposeNetwork } from '@learngene/vit-blocks'
import { transpose } from '@tensorflow/tfjs-core'
import { inferenceNetwork } from './own-work.js'
import { createInputs, type Task, type Work } from './task.js'

/**
 * The same inference by onnxruntime-web on one thread of wasm: our ONNX model of the same network, the same images.
 *
 * @throws Error when the package is not installed, or the work is training
 */
export async function onnxWork({ what, model, batch }: Task): Promise<Work> {
  if (what !== 'forward' && what !== 'stitch') throw new Error(`onnxruntime-web is timed in inference alone; '${what}' trains`)
  const ort = await importRuntime()
  ort.env.wasm.numThreads = 1
  const network = inferenceNetwork(what, model)
  const file = await toOnnx(network)
  disposeNetwork(network)
  const session = await ort.InferenceSession.create(file.model, {
    executionProviders: ['wasm'],
    ...(file.data && { externalData: [{ path: file.data.name, data: file.data.bytes }] }),
  })
  const { images, targets } = createInputs(model, batch)
  const pixels = transpose(images, [0, 3, 1, 2])
  const input = new ort.Tensor('float32', await pixels.data<'float32'>(), pixels.shape)
  for (const tensor of [images, targets, pixels]) tensor.dispose()
  return {
    async run(steps, onStep) {
      for (let i = 0; i < steps; i++) {
        // The logits are in this process's memory when they come.
        await session.run({ pixel_values: input })
        onStep()
      }
    },
  }
}

async function importRuntime() {
  try {
    return await import('onnxruntime-web')
  } catch (error) {
    throw new Error(`onnxruntime-web is not installed here: npm install onnxruntime-web (${(error as Error).message.split('\n')[0]})`, {
      cause: error,
    })
  }
}
