import { hardTarget, softTarget } from '@learngene/distill-losses'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { classTargets, crossEntropy } from '@learngene/ops'
import { describe } from '@learngene/stitch'
import { forward, type Network } from '@learngene/vit-blocks'
import { add, mean, mul, type Scalar, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core'
import type { Epochs } from './epochs.js'
import { requireSound, type Teacher } from './teacher.js'

/** What networks of one family are taught by: labels, and the ancestor's logits. */
export interface Lessons {
  /** The ancestor's logits; without a teacher the labels alone teach. */
  readonly teacher?: Teacher
  /** How its logits are followed: cross entropy with its probabilities (default) or with its most likely class. */
  readonly targets?: 'soft' | 'hard'
  /** Weight of the labels' cross entropy beside the teacher's; default 0.5. */
  readonly labelWeight?: number
}

export const LESSON_OPTIONS = { teacher: true, targets: true, labelWeight: true } as const

/** One step's images with what they teach. */
export interface Lesson {
  /** [B, height, width, channels] */
  readonly images: Tensor4D
  /** [B, C] */
  readonly targets: Tensor2D
  /** Logits [B, C]. */
  readonly ancestor: Tensor2D | null
}

/**
 * A training's batches, and the loss of any network of the family on one: w CE(labels) + (1 - w) CE(teacher), its mean over the batch.
 *
 * @param where the function whose options these are, for errors
 * @param classes C
 * @throws when the teacher has seen other images than the source gives
 */
export async function lessonsFrom(
  where: string,
  source: ImageSource,
  epochs: Epochs,
  classes: number,
  { teacher, targets: kind = 'soft', labelWeight = 0.5 }: Lessons,
) {
  if (kind !== 'soft' && kind !== 'hard') throw new Error(`${where}: targets must be 'soft' or 'hard'; got ${describe(kind)}`)
  await requireSound(teacher, source)
  const follow = kind === 'soft' ? softTarget : hardTarget
  return {
    prepare: (step: number) => source.prepare?.(epochs.indices(step)),
    batch(step: number): Lesson {
      const indices = epochs.indices(step)
      const images = source.images(indices)
      const ancestor = teacher?.(indices, images, []).logits ?? null
      if (ancestor && ancestor.shape[1] !== classes) {
        throw new Error(`${where}: the teacher must tell the tiers' ${classes} classes apart; it has ${ancestor.shape[1]}: leave it out`)
      }
      return { images, targets: classTargets(source.labels(indices), classes), ancestor }
    },
    loss(network: Network, { images, targets, ancestor }: Lesson): Scalar {
      const { logits } = forward(network, images)
      const labelled = crossEntropy(logits, targets)
      if (!ancestor) return mean(labelled) as Scalar
      return mean(add(mul(labelled, labelWeight), mul(follow(logits, ancestor), 1 - labelWeight))) as Scalar
    },
  }
}
