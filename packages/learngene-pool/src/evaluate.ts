import type { ImageSource } from '@learngene/interfaces/tensors'
import { forwardShared, requireArguments } from '@learngene/stitch'
import { alone, type Group } from '@learngene/training'
import type { Network } from '@learngene/vit-blocks'
import { argMax, cast, dispose, equal, keep, type Scalar, stack, sum } from '@tensorflow/tfjs-core'

export interface EvaluateOptions {
  /** Which images; default all. */
  readonly indices?: ArrayLike<number>
  readonly batchSize?: number
  /** Whose members take shares of the batches. */
  readonly group?: Group
  readonly onBatch?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** @throws where the images show other classes than a network tells apart */
export function requireClasses(where: string, { classes }: ImageSource, told: number): void {
  if (classes.length === told) return
  throw new Error(
    `${where}: the images must show the classes that the network tells apart, ${told}; they show ${classes.length}${classes.length > 0 ? ` (${classes.slice(0, 3).join(', ')}${classes.length > 3 ? ', …' : ''})` : ', as nothing is labelled'}`,
  )
}

/**
 * Top-1 accuracy of many networks on the same images; what networks share is run once.
 *
 * @returns a share from 0 to 1 for each network, the same on all members of the group
 * @throws when there is no network or no image, or an argument is of another kind
 */
export async function accuracies(networks: readonly Network[], source: ImageSource, options: EvaluateOptions = {}): Promise<number[]> {
  requireArguments('accuracies', { networks: ['network[]', networks], source: ['source', source], options: ['object', options] })
  const { indices = Uint32Array.from({ length: source.length }, (_, i) => i), batchSize = 100, group = alone, onBatch, signal } = options
  if (networks.length === 0) throw new Error('accuracies: there must be at least one network; got none')
  if (indices.length === 0) throw new Error('accuracies: there must be at least one image; got none')
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new Error(`accuracies: batchSize must be a positive integer; got ${batchSize}`)
  for (const { head } of networks) requireClasses('accuracies', source, head.classes)
  const correct = new Float64Array(networks.length)
  const batches = Math.ceil(indices.length / batchSize)
  for (let batch = group.rank; batch < batches; batch += group.size) {
    const part = Array.prototype.slice.call(indices, batch * batchSize, (batch + 1) * batchSize) as number[]
    signal?.throwIfAborted()
    const counts = await correctOf(networks, source, part, signal)
    counts.forEach((count, i) => {
      correct[i]! += count
    })
    onBatch?.(Math.min(batch + group.size, batches), batches)
  }
  group.sum(correct)
  return Array.from(correct, (count) => count / indices.length)
}

async function correctOf(
  networks: readonly Network[],
  source: ImageSource,
  indices: number[],
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { images, targets } = await source.batch(indices, { signal })
  const labels = argMax(targets, -1) // [B]
  const counts: Scalar[] = new Array(networks.length)
  forwardShared(networks, images, (index, logits) => {
    counts[index] = keep(sum(cast(equal(argMax(logits, -1), labels), 'float32')) as Scalar)
  })
  const all = stack(counts)
  const values = await all.data<'float32'>()
  dispose([images, targets, labels, all, counts])
  return values
}
