import { hardTarget, softTarget } from '@learngene/distill-losses'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { crossEntropy } from '@learngene/ops'
import { describe, requireArguments } from '@learngene/stitch'
import type { LossTerms } from '@learngene/training'
import { forward, type Network } from '@learngene/vit-blocks'
import { mean, mul, type Scalar, Tensor, type Tensor2D, type Tensor4D } from '@tensorflow/tfjs-core'
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
  /** A loss of one's own in place of all these; `targets` and `labelWeight` then mean nothing. */
  readonly loss?: LessonLoss
}

/**
 * A loss of one's own, as terms that are added, per example: [B] each, with whatever weights they have. Their means are reported by name. Depends on tensors only: its GPU
 * commands may be recorded once and replayed.
 *
 * @param logits of the network that is trained [B, C]
 */
export type LessonLoss = (logits: Tensor2D, lesson: Pick<Lesson, 'targets' | 'ancestor'>) => { readonly [term: string]: Tensor }

export const LESSON_OPTIONS = { teacher: true, targets: true, labelWeight: true, loss: true } as const

/** One step's images with what they teach. */
export interface Lesson {
  /** [B, height, width, channels] */
  readonly images: Tensor4D
  /** The share that each class has in each image [B, C]. */
  readonly targets: Tensor2D
  /** The teacher's logits [B, C]; null where there is none. */
  readonly ancestor: Tensor2D | null
}

/**
 * What a training's batches teach, and the loss of any network of the family on one: w CE(labels) + (1 - w) CE(teacher), or the user's own, its mean over the batch, by term.
 *
 * @param where the function whose options these are, for errors
 * @param classes C
 * @throws when the images show other classes, or the teacher has seen other images than the source gives
 */
export async function lessonsFrom(
  where: string,
  source: ImageSource,
  classes: number,
  { teacher, targets: kind = 'soft', labelWeight = 0.5, loss: own, accumulate = 1 }: Lessons & { readonly accumulate?: number },
) {
  if (own !== undefined) requireArguments(where, { loss: ['function', own] })
  if (kind !== 'soft' && kind !== 'hard') throw new Error(`${where}: targets must be 'soft' or 'hard'; got ${describe(kind)}`)
  if (!teacher || labelWeight > 0 || own) requireClasses(where, source, classes)
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
    prepareLesson: async ({ images }: PlannedBatch) => teacher?.prepare?.(images, []),
    loss(network: Network, { images, targets, ancestor }: Lesson): LossTerms {
      const { logits } = forward(network, images)
      if (own) return meansOf(where, own(logits, { targets, ancestor }), logits.shape[0])
      if (!ancestor) return mean(crossEntropy(logits, targets)) as Scalar
      return {
        ...(labelWeight > 0 && { label: mul(mean(crossEntropy(logits, targets)), labelWeight) as Scalar }),
        ...(labelWeight < 1 && { logit: mul(mean(follow(logits, ancestor)), 1 - labelWeight) as Scalar }),
      }
    },
  }
}

/** The mean of each term over the batch. @throws where one is not one value per example */
function meansOf(where: string, terms: ReturnType<LessonLoss>, examples: number): LossTerms {
  requireArguments(where, { 'what the loss returns': ['object', terms] })
  const entries = Object.entries(terms)
  if (entries.length === 0 || terms instanceof Tensor) {
    throw new Error(
      `${where}: a loss must return its terms by name, for example { label: crossEntropy(logits, targets) }; got ${describe(terms)}`,
    )
  }
  for (const [name, term] of entries) {
    if (term instanceof Tensor && term.rank === 1 && term.size === examples) continue
    const came = term instanceof Tensor ? `a tensor of shape [${(term as Tensor).shape}]` : describe(term)
    throw new Error(`${where}: the term '${name}' of the loss must be one value for each of the ${examples} examples; got ${came}`)
  }
  return Object.fromEntries(entries.map(([name, term]) => [name, mean(term) as Scalar]))
}
