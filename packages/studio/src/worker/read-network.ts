import { forward, type Head, type Network, runBlocks } from '@learngene/vit-blocks'
import { concat, softmax, type Tensor2D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import type { Reading, Scored } from './messages.js'

/** Classes that an answer tells. */
const TOP = 5

/** Runs a network on one picture [1, height, width, channels]. @returns the likeliest classes, and the milliseconds down to reading them */
export async function answerOf(network: Network, image: Tensor4D): Promise<{ readonly top: Scored[]; readonly ms: number }> {
  const start = performance.now()
  const probabilities = tidy(() => softmax(forward(network, image).logits) as Tensor2D) // [1, C]
  try {
    const values = await probabilities.data<'float32'>()
    return { top: likeliest(values).slice(0, TOP), ms: performance.now() - start }
  } finally {
    probabilities.dispose()
  }
}

function likeliest(probabilities: Float32Array): Scored[] {
  return Array.from(probabilities, (probability, label) => ({ label, probability })).sort(
    (a, b) => b.probability - a.probability || a.label - b.label,
  )
}

/**
 * What the network would have answered after each of its blocks: the classifier of the tier whose width the stream has there, read early.
 *
 * @param headOf the classifier for a width of the stream; undefined where there is none
 */
export async function readingsOf(network: Network, image: Tensor4D, headOf: (width: number) => Head | undefined): Promise<Reading[]> {
  const read: number[] = []
  const all = tidy(() => {
    const rows: Tensor2D[] = []
    const offer = (name: string, value: Tensor3D) => {
      const block = Number(name.slice('block.'.length))
      const head = block === network.blocks.length - 1 ? network.head : headOf(network.blocks[block]!.outputWidth)
      if (!head) return false
      read.push(block)
      rows.push(softmax(head.forward(value)) as Tensor2D) // [1, C]
      return false
    }
    runBlocks(network.blocks, network.embedding.forward(image), offer, () => false)
    return concat(rows, 0) // [blocks, C]
  })
  try {
    const values = await all.data<'float32'>()
    const classes = values.length / read.length
    const row = (i: number) => values.subarray(i * classes, (i + 1) * classes)
    const [last] = likeliest(row(read.length - 1))
    return read.map((block, i) => {
      const [best] = likeliest(row(i))
      return { block, label: best!.label, probability: best!.probability, final: row(i)[last!.label]! }
    })
  } finally {
    all.dispose()
  }
}
