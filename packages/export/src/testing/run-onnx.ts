import { forward, type Network } from '@learngene/vit-blocks'
import { type Tensor4D, tidy, transpose } from '@tensorflow/tfjs-core'
import * as ort from 'onnxruntime-web'
import type { OnnxModel } from '../onnx.js'

ort.env.wasm.numThreads = 1
ort.env.logLevel = 'error'

/** What onnxruntime-web makes of an ONNX model's only input, on one thread of wasm. */
export async function runOnnx(
  { model, data }: OnnxModel,
  images: Tensor4D,
): Promise<{ readonly values: Float32Array; readonly dims: readonly number[] }> {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    ...(data && { externalData: [{ path: data.name, data: data.bytes }] }),
  })
  const pixels = tidy(() => transpose(images, [0, 3, 1, 2]))
  const input = new ort.Tensor('float32', await pixels.data<'float32'>(), pixels.shape)
  pixels.dispose()
  const outputs = await session.run({ pixel_values: input })
  await session.release()
  const [output] = Object.values(outputs)
  return { values: output!.data as Float32Array, dims: output!.dims }
}

/** What the network makes of the same images: its logits, or what it pools where it has none. */
export function runOurs(network: Network, images: Tensor4D): Float32Array {
  return tidy(() => {
    if (network.head.classes > 0) return forward(network, images).logits.dataSync() as Float32Array
    return forward(network, images, { features: ['pooled'] }).features.pooled!.dataSync() as Float32Array
  })
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values must be ${b.length}`)
  let largest = 0
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!)
    if (!(difference <= largest)) largest = difference
  }
  return largest
}
