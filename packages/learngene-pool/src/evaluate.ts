import { compileStep, runOnce } from '@learngene/compile-step'
import type { ImageBatch, ImageSource } from '@learngene/interfaces/tensors'
import { nameBatch, opsSettings } from '@learngene/ops'
import {
  type Cascade,
  type ConfidenceOf,
  confidences,
  costOfCascade,
  forwardCascade,
  forwardShared,
  requireArguments,
  requireKeys,
} from '@learngene/stitch'
import { alone, fixedBytes, type Group } from '@learngene/training'
import type { Network } from '@learngene/vit-blocks'
import {
  argMax,
  cast,
  concat,
  dispose,
  div,
  equal,
  exp,
  expandDims,
  getBackend,
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
  type Tensor4D,
  tidy,
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
  return counted('evaluate', evaluation('evaluate', networks, source, options), source)
}

/** What a cascade makes of labelled images. */
export interface CascadeEvaluation extends Evaluation {
  /** The share of images that its large network answered. */
  readonly passedOn: number
  /** Mean MACs of an image. */
  readonly macs: number
}

/**
 * What {@link evaluate} tells, of a cascade, and what it cost.
 *
 * @throws as `evaluate`
 */
export async function evaluateCascade(cascade: Cascade, source: ImageSource, options: EvaluateOptions = {}): Promise<CascadeEvaluation> {
  requireArguments('evaluateCascade', { 'cascade.small': ['network', cascade?.small], 'cascade.large': ['network', cascade?.large] })
  const passed = new Float64Array(1)
  const work = evaluation('evaluateCascade', [cascade.large], source, options, async (images, visit) => {
    const { logits, passedOn } = await forwardCascade(cascade, images)
    passed[0]! += passedOn.length
    visit(logits)
    logits.dispose()
  })
  const [found] = await counted('evaluateCascade', work, source)
  work.group.sum(passed)
  const passedOn = passed[0]! / work.images
  return { ...found!, passedOn, macs: costOfCascade(cascade, passedOn).macs }
}

/** What a network made of each image, in the order of the indices. */
export interface Outcomes {
  /** 1 where the class of the highest logit is the image's, else 0. */
  readonly correct: Uint8Array
  /** By the name of a confidence, how sure the network was. */
  readonly confidence: { readonly [name: string]: Float64Array }
}

/**
 * What many networks make of each of the same images, from which every cascade of two of them can be told without running them again; what networks share is run once.
 *
 * @param options.confidences of the user's own, from the logits of an image, besides the standard ones
 * @returns for each network, the same on all members of the group
 * @throws as {@link evaluate}
 */
export async function outcomes(
  networks: readonly Network[],
  source: ImageSource,
  options: EvaluateOptions & { readonly confidences?: { readonly [name: string]: ConfidenceOf } } = {},
): Promise<Outcomes[]> {
  const { confidences: own = {}, ...others } = options
  const { group, images, eachBatch } = evaluation('outcomes', networks, source, others)
  const measures = Object.entries({ ...confidences, ...own })
  const found = networks.map(() => ({ correct: new Float64Array(images), measured: measures.map(() => new Float64Array(images)) }))
  const classes = source.classes.length
  // [B, 1 + C]: the label and the logits.
  const labelled = (logits: Tensor2D, labels: Tensor1D) => concat([expandDims(cast(labels, 'float32'), 1), logits], 1)
  await eachBatch(labelled, (values, indices, start) => {
    const row = 1 + classes
    found.forEach(({ correct, measured }, network) => {
      for (let i = 0; i < indices.length; i++) {
        const at = (network * indices.length + i) * row
        const logits = values.subarray(at + 1, at + row)
        let predicted = 0
        for (let c = 1; c < classes; c++) if (logits[c]! > logits[predicted]!) predicted = c
        correct[start + i] = Number(predicted === values[at])
        measures.forEach(([name, of], m) => {
          let value = of(logits)
          // A network whose logits are not finite is sure of nothing.
          if (!Number.isFinite(value) && Object.hasOwn(confidences, name)) value = 0
          if (!Number.isFinite(value))
            throw new Error(
              `outcomes: the confidence '${name}' must be a finite number; of networks[${network}] and image ${indices[i]} it is ${value}`,
            )
          measured[m]![start + i] = value
        })
      }
    })
  })
  for (const { correct, measured } of found) for (const values of [correct, ...measured]) group.sum(values)
  return found.map(({ correct, measured }) => ({
    correct: Uint8Array.from(correct),
    confidence: Object.fromEntries(measures.map(([name], m) => [name, measured[m]!])),
  }))
}

/** Counts what evaluations tell. */
async function counted(
  where: string,
  { group, images, networks, eachBatch }: ReturnType<typeof evaluation>,
  source: ImageSource,
): Promise<Evaluation[]> {
  const classes = source.classes.length
  const counts = Array.from({ length: networks }, () => ({
    confusion: new Float64Array(classes ** 2),
    among5: new Float64Array(1),
    bins: { images: new Float64Array(BINS), correct: new Float64Array(BINS), confidence: new Float64Array(BINS) },
  }))
  await eachBatch(predictionsOf, (values, indices) => {
    const length = indices.length
    counts.forEach(({ confusion, among5, bins }, network) => {
      for (let i = 0; i < length; i++) {
        const [label, predicted, ahead, confidence] = [0, 1, 2, 3].map((what) => values[(4 * network + what) * length + i]!) as [
          number,
          number,
          number,
          number,
        ]
        if (!(confidence > 0))
          throw new Error(`${where}: the logits of networks[${network}] must be finite; those of image ${indices[i]} are not`)
        const bin = Math.min(BINS, Math.max(1, Math.ceil(confidence * BINS))) - 1
        confusion[label * classes + predicted]!++
        if (ahead < 5) among5[0]!++
        bins.images[bin]!++
        if (predicted === label) bins.correct[bin]!++
        bins.confidence[bin]! += confidence
      }
    })
  })
  return counts.map(({ confusion, among5, bins }) => {
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

/** Runs what is no network on a batch and shows its logits [B, C], which are freed afterwards. */
type Run = (images: Tensor4D, visit: (logits: Tensor2D) => void) => Promise<void>

/** Checks what is evaluated on what, and gives the loop over the batches of this member of the group. */
function evaluation(where: string, networks: readonly Network[], source: ImageSource, options: EvaluateOptions, run?: Run) {
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
    networks: networks.length,
    /**
     * @param figures what is taken of a network's logits [B, C] and the labels [B]; of one shape for all networks
     * @param take gets the figures of all networks one after the other, the batch's indices, and at which position they begin
     */
    async eachBatch(
      figures: (logits: Tensor2D, labels: Tensor1D) => Tensor,
      take: (values: Float32Array, indices: readonly number[], start: number) => void,
    ): Promise<void> {
      const figuresOf = (images: Tensor4D, labels: Tensor1D): Tensor => {
        const found: Tensor[] = []
        forwardShared(networks, images, (index, logits) => {
          found[index] = keep(tidy(() => figures(logits, labels)))
        })
        const all = stack(found)
        dispose(found)
        return all
      }
      const figuresOfBatch = ({ images, targets }: ImageBatch) => figuresOf(images, argMax(targets, -1) as Tensor1D)
      const compiled = compileStep(figuresOfBatch)
      /** Lengths of batches whose programs are there. */
      const met = new Set<number>()
      // Recording runs the networks twice on the host: whole batches must come more often than that. A graph of TensorFlow takes longer than it would save here.
      const recorded = getBackend() === 'webgpu' && !run && Math.floor(indices.length / batchSize) > 4 * group.size
      try {
        await eachPart()
      } catch (error) {
        throw nameBatch(error, Math.min(batchSize, indices.length), fixedBytes())
      } finally {
        compiled.dispose()
      }

      /** GPU programs of the first batch of each length are compiled all at once. */
      async function figuresOfNext(inputs: ImageBatch): Promise<Tensor> {
        const [length] = inputs.images.shape
        if (recorded && length === batchSize) {
          await compiled.prepare(inputs, opsSettings())
          return compiled.run(inputs, opsSettings())
        }
        if (met.has(length)) return tidy(() => figuresOfBatch(inputs))
        met.add(length)
        return runOnce(figuresOfBatch, inputs)
      }

      async function eachPart() {
        const read = async (number: number) => {
          const part = Array.prototype.slice.call(indices, number * batchSize, (number + 1) * batchSize) as number[]
          return { part, batch: await source.batch(part, { signal }) }
        }
        let next: ReturnType<typeof read> | undefined
        try {
          for (let number = group.rank; number < batches; number += group.size) {
            signal?.throwIfAborted()
            const { part, batch } = await (next ?? read(number))
            next = undefined
            const { images, targets } = batch
            const found: Tensor[] = []
            try {
              if (run) {
                await run(images, (logits) => {
                  found.push(keep(tidy(() => expandDims(figures(logits, argMax(targets, -1) as Tensor1D)))))
                })
              } else {
                found.push(await figuresOfNext({ images, targets }))
              }
              const values = found[0]!.data<'float32'>()
              // Made while the device computes.
              if (number + group.size < batches) next = read(number + group.size)
              next?.catch(() => {}) // the batch that it belongs to gets the error
              take(await values, part, number * batchSize)
            } finally {
              dispose([images, targets, found])
            }
            onBatch?.(Math.min(number + group.size, batches), batches)
          }
        } finally {
          await next?.then(({ batch: { images, targets } }) => dispose([images, targets]), () => {}) // biome-ignore format: short
        }
      }
    },
  }
}
