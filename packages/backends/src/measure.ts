import { randomNormal, type Tensor4D, tensor, tidy, type Variable } from '@tensorflow/tfjs-core'
import type { BackendOptions, MeasurableNetwork } from './starter.js'

/** A trained tensor and its values, which no backend owns. */
export interface HeldWeight {
  readonly variable: Variable
  readonly values: Float32Array
}

/** Copies of all weights: what is on a GPU cannot be moved to another backend by itself. @throws where it is no network */
export async function holdWeights(network: MeasurableNetwork): Promise<HeldWeight[]> {
  const { embedding, blocks, head } = network ?? {}
  if (!embedding?.geometry || !Array.isArray(blocks) || !head)
    throw new Error(`measure must be a network, for example of loadModel or createViT; got ${typeof network}`)
  const parts: readonly Pick<MeasurableNetwork['head'], 'parameters'>[] = [embedding, ...blocks, head]
  const variables = parts.flatMap(({ parameters }) => Object.values(parameters))
  return Promise.all(variables.map(async (variable) => ({ variable, values: (await variable.data<'float32'>()).slice() })))
}

/** Gives the weights their values anew, on the current backend. */
export function placeWeights(held: readonly HeldWeight[]): void {
  for (const { variable, values } of held) {
    const value = tensor(values, variable.shape, 'float32')
    variable.assign(value)
    value.dispose()
  }
}

/** Calls that do not count: kernels compile in them, and an engine what it runs often. */
const WARM_UP = { fewest: 3, mostMs: 700 }
const TIMED = { fewest: 3, most: 30, mostMs: 700 }

/** Median of the times that a network takes on the current backend, from images on the device to logits that are read, in ms. */
export async function timeNetwork({ embedding, blocks, head }: MeasurableNetwork, { batch = 1 }: BackendOptions): Promise<number> {
  const { imageSize, channels } = embedding.geometry
  const [height, width] = typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize
  const images = randomNormal([batch, height, width, channels], 0, 1, 'float32', 1) as Tensor4D
  const run = async () => {
    const started = performance.now()
    const logits = tidy(() => head.forward(blocks.reduce((x, block) => block.forward(x, {}), embedding.forward(images))))
    await logits.data()
    logits.dispose()
    return performance.now() - started
  }
  try {
    const warm = performance.now()
    for (let i = 0; i < WARM_UP.fewest || performance.now() - warm < WARM_UP.mostMs; i++) await run()
    const times: number[] = []
    const timed = performance.now()
    while (times.length < TIMED.fewest || (times.length < TIMED.most && performance.now() - timed < TIMED.mostMs)) times.push(await run())
    return times.sort((a, b) => a - b)[times.length >> 1]!
  } finally {
    images.dispose()
  }
}
