import type { ImageSource } from '@learngene/interfaces/tensors'
import { type Network, requireArguments, requireKeys, runBlocks } from '@learngene/vit-blocks'
import { logSoftmax, mean, mul, type Scalar, softmax, square, stack, sub, sum, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { CALIBRATION_OPTIONS, type CalibrationOptions, calibrationIndices, overImages } from './calibration.js'
import { normalisedTokens } from './norms.js'

/** One step of taking blocks out. */
export interface BlockDrop {
  /** Index of the block that goes, in the ancestor. */
  readonly block: number
  /**
   * Mean KL divergence from the ancestor's class probabilities to those without this block and all that went before, in nats; of an ancestor without a classifier half the
   * mean squared change of its normalised features.
   */
  readonly divergence: number
}

/**
 * The order in which a network's blocks can go: each time the one whose removal, with those before it, changes the class probabilities on the calibration
 * images least. One order serves every depth: the blocks of a shallower network are a part of those of a deeper one. Runs L^2 (L + 1) / 6 blocks per image.
 *
 * @returns L - 1 drops; the last block that stays is never one of them
 */
export async function blockOrder(network: Network, source: ImageSource, options: CalibrationOptions = {}): Promise<BlockDrop[]> {
  requireArguments('blockOrder', { network: ['network', network], source: ['source', source] })
  requireKeys('blockOrder', options, CALIBRATION_OPTIONS)
  const { report, signal, ...images } = options
  const count = calibrationIndices(source, options).length
  const drops: BlockDrop[] = []
  let kept = network.blocks.map((_, i) => i)
  report?.({ kind: 'stage', name: 'find the order in which blocks can go', total: kept.length - 1 })
  while (kept.length > 1) {
    const totals = new Float64Array(kept.length)
    await overImages(source, { ...images, signal }, async (batch) => {
      const divergences = tidy(() => {
        const embedded = network.embedding.forward(batch)
        const change = changeFrom(network, runBlocks(network.blocks, embedded))
        return stack(withoutEach(network, kept, embedded, change))
      })
      const values = await divergences.data<'float32'>()
      divergences.dispose()
      for (let i = 0; i < totals.length; i++) totals[i]! += values[i]! / count
    })
    const least = totals.indexOf(Math.min(...totals))
    if (least < 0) throw new Error('blockOrder: the logits must be finite numbers; got NaN or Infinity')
    drops.push({ block: kept[least]!, divergence: totals[least]! })
    kept = kept.filter((_, i) => i !== least)
    report?.({ kind: 'progress', done: drops.length, total: network.blocks.length - 1 })
  }
  return drops
}

/** The blocks that stay in a network of the given depth, in their order. */
export function keptBlocks(drops: readonly BlockDrop[], blocks: number, depth: number): number[] {
  const gone = new Set(drops.slice(0, blocks - depth).map(({ block }) => block))
  return Array.from({ length: blocks }, (_, i) => i).filter((i) => !gone.has(i))
}

/** What `measure` gives of the stream that leaves the network without each of the kept blocks; what all share is run once. */
function withoutEach(network: Network, kept: readonly number[], embedded: Tensor3D, measure: (stream: Tensor3D) => Scalar): Scalar[] {
  const blocks = kept.map((i) => network.blocks[i]!)
  let stream = embedded
  return blocks.map((block, i) => {
    const value = tidy(() => measure(runBlocks(blocks.slice(i + 1), stream)))
    stream = runBlocks([block], stream)
    return value
  })
}

/**
 * Sums over images how far a stream's outcome is from that of the whole network: KL(softmax(whole) || softmax(other)); without a classifier half the mean squared change of what
 * the final layer norm gives, which is 1 where nothing is left in common.
 */
function changeFrom(network: Network, whole: Tensor3D): (stream: Tensor3D) => Scalar {
  if (network.head.classes === 0) {
    const reference = normalisedTokens(network.head, whole)
    return (stream) => {
      const change = square(sub(normalisedTokens(network.head, stream), reference))
      return mul(sum(mean(change, [1, 2])), 0.5) as Scalar
    }
  }
  const reference = network.head.forward(whole)
  return (stream) => sum(mul(softmax(reference), sub(logSoftmax(reference), logSoftmax(network.head.forward(stream))))) as Scalar
}
