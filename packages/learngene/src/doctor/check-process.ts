import { type BackendName, describeBackend } from '@learngene/backends'
import { decodeImage } from '@learngene/datasets/node'
import { linear } from '@learngene/ops'
import '@learngene/ops/gradients'
import { grads, type Tensor1D, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core'
import { oneLine } from '../errors.js'
import { startBackend } from '../start-backend.js'

/** What the process is asked: to compute on a backend, or to decode images. */
export type CheckRequest = { readonly backend: BackendName } | { readonly images: true }

export type CheckAnswer =
  | { readonly works: false; readonly reason: string }
  | { readonly works: true; readonly version: string; readonly device: string | null; readonly features: readonly string[] }

/** A linear map of our own kernels and its gradients, in numbers that every format holds exactly. */
async function compute(backend: BackendName): Promise<CheckAnswer> {
  const described = await describeBackend(backend)
  if (!described.available) return { works: false, reason: described.reason! }
  await startBackend(backend)
  const [x, weight, bias] = [tensor2d([1, 2, 3, 4], [2, 2]), tensor2d([1, 0, 2, -1, 0, 3], [3, 2]), tensor1d([1, 2, 3])]
  const f = (x: Tensor2D, weight: Tensor2D, bias: Tensor1D) => linear(x, weight, bias)
  const gradients = grads(f as Parameters<typeof grads>[0])([x, weight, bias], tensor2d([1, 0, 0, 0, 1, 0], [2, 3]))
  const results = await Promise.all([f(x, weight, bias), ...gradients].map(async (tensor) => [...(await tensor.data())]))
  const expected = [
    [2, 2, 9, 4, 4, 15],
    [1, 0, 2, -1],
    [1, 2, 3, 4, 0, 0],
    [1, 1, 0],
  ]
  if (JSON.stringify(results.map((values) => values.map((value) => value + 0))) !== JSON.stringify(expected)) {
    return { works: false, reason: `it computes wrong numbers: a linear map of integers gave ${JSON.stringify(results)}` }
  }
  return { works: true, version: described.version!, device: described.device, features: described.features }
}

/** A PNG and a JPEG of one colour, made in memory and read back. */
async function decode(): Promise<CheckAnswer> {
  const { default: sharp } = await import('sharp')
  const background = { r: 200, g: 100, b: 50 }
  const image = sharp({ create: { width: 16, height: 8, channels: 3, background } })
  const formats = [
    { name: 'PNG', file: await image.clone().png().toBuffer(), tolerance: 0 },
    { name: 'JPEG', file: await image.clone().jpeg().toBuffer(), tolerance: 4 },
  ]
  for (const { name, file, tolerance } of formats) {
    const { data, width, height } = await decodeImage(file)
    const wrong = data.findIndex((value, i) => Math.abs(value - [200, 100, 50][i % 3]!) > tolerance)
    if (width !== 16 || height !== 8 || wrong >= 0) return { works: false, reason: `it decodes a ${name} of one colour wrongly` }
  }
  return { works: true, version: sharp.versions.sharp, device: null, features: formats.map(({ name }) => name) }
}

process.once('message', async (request: CheckRequest) => {
  const answer = await ('backend' in request ? compute(request.backend) : decode()).catch(
    (error): CheckAnswer => ({ works: false, reason: oneLine(error) }),
  )
  process.send!(answer, () => process.exit(0))
})
