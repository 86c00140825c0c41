import { forward, type Network } from '@learngene/vit-blocks'
import {
  argMax,
  cast,
  dispose,
  equal,
  logSoftmax,
  mul,
  scalar,
  softmax,
  stack,
  sub,
  sum,
  type Tensor2D,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core'
import type { ModelImages } from './model-images.js'

/** What a smaller model is worth. */
export interface Judgement {
  /** Mean KL divergence of its class probabilities from the ancestor's, in nats. */
  readonly divergence: number
  /** Share of images whose label it gives; null where there are no labels. */
  readonly accuracy: number | null
}

/** Judges networks by the same images. */
export interface Judge {
  /** Of what. */
  readonly images: string
  readonly count: number
  readonly ancestor: Judgement
  (network: Network): Promise<Judgement>
}

const BATCH = 32

/** Runs the ancestor once over some images; the judge then compares other networks with it there. */
export async function createJudge(ancestor: Network, { name, source, labelled }: ModelImages, indices: readonly number[]): Promise<Judge> {
  const batches = Array.from({ length: Math.ceil(indices.length / BATCH) }, (_, i) => indices.slice(i * BATCH, (i + 1) * BATCH))
  const { classes } = ancestor.head
  const known: Float32Array[] = []
  const over = async (network: Network): Promise<Judgement> => {
    let divergence = 0
    let correct = 0
    for (const [i, batch] of batches.entries()) {
      const { images, targets } = await source.batch(batch)
      const { logits, figures } = tidy(() => {
        const logits = forward(network, images).logits
        const reference = known[i] ? tensor2d(known[i], [batch.length, classes]) : logits
        const right = labelled ? sum(cast(equal(argMax(logits, -1), argMax(targets, -1)), 'float32')) : scalar(0)
        return { logits, figures: stack([divergenceOf(reference, logits), right]) }
      })
      dispose([images, targets])
      known[i] ??= (await logits.data()) as Float32Array
      const [more, right] = await figures.data()
      logits.dispose()
      figures.dispose()
      divergence += more!
      correct += right!
    }
    return { divergence: Math.max(0, divergence / indices.length), accuracy: labelled ? correct / indices.length : null }
  }
  return Object.assign((network: Network) => over(network), { images: name, count: indices.length, ancestor: await over(ancestor) })
}

/** Sum over images of KL(softmax(reference) || softmax(logits)). */
function divergenceOf(reference: Tensor2D, logits: Tensor2D) {
  return sum(mul(softmax(reference), sub(logSoftmax(reference), logSoftmax(logits))))
}
