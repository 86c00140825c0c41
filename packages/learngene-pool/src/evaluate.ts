import type { ImageSource } from '@learngene/interfaces/tensors'
import { forwardShared, requireArguments, requireKeys } from '@learngene/stitch'
import { alone, type Group } from '@learngene/training'
import type { Network } from '@learngene/vit-blocks'
import {
  argMax,
  cast,
  dispose,
  div,
  equal,
  exp,
  expandDims,
  greater,
  keep,
  less,
  logicalAnd,
  logicalOr,
  max,
  mul,
  oneHot,
  range,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core'

export interface EvaluateOptions {
  /** Which images; default all. */
  readonly indices?: ArrayLike<number>
  readonly batchSize?: number
  /** Whose members take shares of the batches. */
  readonly group?: Group
  readonly onBatch?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** What a network makes of the images of one class. */
export interface ClassEvaluation {
  readonly class: string
  readonly images: number
  readonly correct: number
  /** correct / images; null where there are no images of this class. */
  readonly accuracy: number | null
}

/** What a network makes of labelled images. Shares are from 0 to 1. */
export interface Evaluation {
  readonly images: number
  /** Share of images whose class has the highest logit. */
  readonly top1: number
  /** Share of images whose class is among the 5 highest logits, or among all C where there are fewer. */
  readonly top5: number
  /** By class, in the order of the source. */
  readonly perClass: readonly ClassEvaluation[]
  /** Images by true class (rows) and predicted class (columns): C x C. */
  readonly confusion: readonly (readonly number[])[]
  /**
   * Expected calibration error (Guo et al. 2017, https://arxiv.org/abs/1706.04599, eq. 3): sum over bins m of |B_m| / n x |acc(B_m) - conf(B_m)|, where
   * B_m holds the images whose highest probability lies in ((m - 1) / 15, m / 15], acc is the share of them that is right and conf their mean highest probability.
   */
  readonly calibrationError: number
}

const OPTIONS = ['indices', 'batchSize', 'group', 'onBatch', 'signal'] as const satisfies readonly (keyof EvaluateOptions)[]

/** Of the calibration error. */
const BINS = 15

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
  const { group, images, eachBatch } = evaluation('accuracies', networks, source, options)
  const correct = new Float64Array(networks.length)
  const ofBatch = (logits: Tensor2D, labels: Tensor1D) => sum(cast(equal(argMax(logits, -1), labels), 'float32'))
  await eachBatch(ofBatch, (counts) => {
    counts.forEach((count, i) => {
      correct[i]! += count
    })
  })
  group.sum(correct)
  return Array.from(correct, (count) => count / images)
}

/**
 * Top-1, top-5, the accuracy of each class, confusions and calibration of many networks on the same images; what networks share is run once.
 * Takes 8 C^2 bytes for each network of C classes. An image counts for the class that has the largest share in its target.
 *
 * @returns for each network, the same on all members of the group
 * @throws when there is no network or no image, an argument is of another kind, or a network gives numbers that are not finite
 */
export async function evaluate(networks: readonly Network[], source: ImageSource, options: EvaluateOptions = {}): Promise<Evaluation[]> {
  const { group, images, eachBatch } = evaluation('evaluate', networks, source, options)
  const classes = source.classes.length
  const counted = networks.map(() => ({
    confusion: new Float64Array(classes ** 2),
    among5: new Float64Array(1),
    bins: { images: new Float64Array(BINS), correct: new Float64Array(BINS), confidence: new Float64Array(BINS) },
  }))
  await eachBatch(predictionsOf, (values, indices) => {
    const length = indices.length
    counted.forEach(({ confusion, among5, bins }, network) => {
      for (let i = 0; i < length; i++) {
        const [label, predicted, ahead, confidence] = [0, 1, 2, 3].map((what) => values[(4 * network + what) * length + i]!) as [
          number,
          number,
          number,
          number,
        ]
        if (!(confidence > 0))
          throw new Error(`evaluate: the logits of networks[${network}] must be finite; those of image ${indices[i]} are not`)
        const bin = Math.min(BINS, Math.max(1, Math.ceil(confidence * BINS))) - 1
        confusion[label * classes + predicted]!++
        if (ahead < 5) among5[0]!++
        bins.images[bin]!++
        if (predicted === label) bins.correct[bin]!++
        bins.confidence[bin]! += confidence
      }
    })
  })
  return counted.map(({ confusion, among5, bins }) => {
    for (const values of [confusion, among5, ...Object.values(bins)]) group.sum(values)
    const rows = source.classes.map((_, row) => Array.from(confusion.subarray(row * classes, (row + 1) * classes)))
    const perClass = rows.map((row, i): ClassEvaluation => {
      const [shown, correct] = [row.reduce((total, count) => total + count, 0), row[i]!]
      return { class: source.classes[i]!, images: shown, correct, accuracy: shown > 0 ? correct / shown : null }
    })
    return {
      images,
      top1: perClass.reduce((total, { correct }) => total + correct, 0) / images,
      top5: among5[0]! / images,
      perClass,
      confusion: rows,
      // |B| / n x |correct / |B| - confidence / |B||
      calibrationError: bins.correct.reduce((total, correct, m) => total + Math.abs(correct - bins.confidence[m]!) / images, 0),
    }
  })
}

/** [4, B]: the label, the predicted class, how many classes come before the label's, and the highest probability. */
function predictionsOf(logits: Tensor2D, labels: Tensor1D): Tensor {
  const classes = logits.shape[1]
  const ofLabel = sum(mul(logits, oneHot(labels, classes)), -1, true) // [B, 1]
  // Of equal logits the first counts, as in argMax.
  const isBefore = less(range(0, classes, 1, 'int32'), expandDims(labels, 1)) // [B, C]
  const isAhead = logicalOr(greater(logits, ofLabel), logicalAnd(equal(logits, ofLabel), isBefore))
  const highest = max(logits, -1, true)
  return stack([
    cast(labels, 'float32'),
    cast(argMax(logits, -1), 'float32'),
    sum(cast(isAhead, 'float32'), -1),
    div(1, sum(exp(sub(logits, highest)), -1)),
  ])
}

/** Checks what is evaluated on what, and gives the loop over the batches of this member of the group. */
function evaluation(where: string, networks: readonly Network[], source: ImageSource, options: EvaluateOptions) {
  requireArguments(where, { networks: ['network[]', networks], source: ['source', source] })
  requireKeys(where, options, OPTIONS)
  const { indices = Uint32Array.from({ length: source.length }, (_, i) => i), batchSize = 100, group = alone, onBatch, signal } = options
  if (networks.length === 0) throw new Error(`${where}: there must be at least one network; got none`)
  if (indices.length === 0) throw new Error(`${where}: there must be at least one image; got none`)
  if (!Number.isInteger(batchSize) || batchSize < 1) throw new Error(`${where}: batchSize must be a positive integer; got ${batchSize}`)
  networks.forEach(({ head }, i) => {
    if (head.classes === 0) throw new Error(`${where}: every network must have a classifier; networks[${i}] gives features alone`)
    requireClasses(where, source, head.classes)
  })
  const batches = Math.ceil(indices.length / batchSize)
  return {
    group,
    images: indices.length,
    /**
     * @param figures what is taken of a network's logits [B, C] and the labels [B]; of one shape for all networks
     * @param take gets the figures of all networks one after the other, and the batch's indices
     */
    async eachBatch(
      figures: (logits: Tensor2D, labels: Tensor1D) => Tensor,
      take: (values: Float32Array, indices: readonly number[]) => void,
    ): Promise<void> {
      for (let batch = group.rank; batch < batches; batch += group.size) {
        const part = Array.prototype.slice.call(indices, batch * batchSize, (batch + 1) * batchSize) as number[]
        signal?.throwIfAborted()
        const { images, targets } = await source.batch(part, { signal })
        const labels = argMax(targets, -1) as Tensor1D
        const found: Tensor[] = []
        try {
          forwardShared(networks, images, (index, logits) => {
            found[index] = keep(figures(logits, labels))
          })
          const all = stack(found)
          found.push(all)
          take(await all.data<'float32'>(), part)
        } finally {
          dispose([images, targets, labels, found])
        }
        onBatch?.(Math.min(batch + group.size, batches), batches)
      }
    },
  }
}
