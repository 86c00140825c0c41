import { hardTarget, softTarget } from '@learngene/distill-losses'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { crossEntropy } from '@learngene/ops'
import { describe } from '@learngene/stitch'
import type { LossTerms } from '@learngene/training'
import { forward, type Network } from '@learngene/vit-blocks'
import { mean, mul, type Scalar, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core'
import { requireClasses } from './evaluate.js'
import { askTeacher, requireSound, type Teacher } from './teacher.js'
import type { PlannedBatch } from './training-plan.js'

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
 * What a training's batches teach, and the loss of any network of the family on one: w CE(labels) + (1 - w) CE(teacher), its mean over the batch, by term.
 *
 * @param where the function whose options these are, for errors
 * @param classes C
 * @throws when the images show other classes, or the teacher has seen other images than the source gives
 */
export async function lessonsFrom(
  where: string,
  source: ImageSource,
  classes: number,
  { teacher, targets: kind = 'soft', labelWeight = 0.5, accumulate = 1 }: Lessons & { readonly accumulate?: number },
) {
  if (kind !== 'soft' && kind !== 'hard') throw new Error(`${where}: targets must be 'soft' or 'hard'; got ${describe(kind)}`)
  if (!teacher || labelWeight > 0) requireClasses(where, source, classes)
  await requireSound(teacher, source)
  const follow = kind === 'soft' ? softTarget : hardTarget
  return {
    lesson({ indices, images, targets }: PlannedBatch): Lesson {
      const ancestor = teacher ? askTeacher(teacher, { indices, images }, [], accumulate > 1).logits : null
      if (ancestor && ancestor.shape[1] !== classes) {
        throw new Error(`${where}: the teacher must tell the tiers' ${classes} classes apart; it has ${ancestor.shape[1]}: leave it out`)
      }
      return { images, targets, ancestor }
    },
    loss(network: Network, { images, targets, ancestor }: Lesson): LossTerms {
      const { logits } = forward(network, images)
      if (!ancestor) return mean(crossEntropy(logits, targets)) as Scalar
      return {
        ...(labelWeight > 0 && { label: mul(mean(crossEntropy(logits, targets)), labelWeight) as Scalar }),
        ...(labelWeight < 1 && { logit: mul(mean(follow(logits, ancestor)), 1 - labelWeight) as Scalar }),
      }
    },
  }
}
