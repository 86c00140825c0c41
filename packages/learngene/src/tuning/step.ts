import '@learngene/ops/gradients'
import { describeBackend } from '@learngene/backends'
import { forward, type Network, parametersOf, sidesOf } from '@learngene/vit-blocks'
import { mean, type Scalar, square, type Tensor4D, tidy, variableGrads, zeros } from '@tensorflow/tfjs-core'

/**
 * One step of a network on images of zeros: its products are those of a training, or of inference.
 *
 * @param parameters those that are trained; default all
 */
export function stepOf(network: Network, batch: number, what: 'train' | 'forward', parameters = parametersOf(network)): () => void {
  const { imageSize, channels } = network.embedding.geometry
  const [height, width] = sidesOf(imageSize)
  return () =>
    tidy(() => {
      const logits = () => forward(network, zeros([batch, height, width, channels]) as Tensor4D).logits
      if (what === 'forward') logits()
      else variableGrads(() => mean(square(logits())) as Scalar, Object.values(parameters))
    })
}

/** The name of the GPU, as webgpu tells it. */
export async function deviceName(): Promise<string> {
  return (await describeBackend('webgpu')).device ?? 'an unnamed GPU'
}
