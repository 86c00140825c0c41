import { hardTarget, softTarget } from '@learngene/distill-losses'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { crossEntropy } from '@learngene/ops'
import { describe, requireArguments, requireKeys } from '@learngene/stitch'
import type { LossTerms } from '@learngene/training'
import { type ForwardResult, forward, type Network } from '@learngene/vit-blocks'
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
  /** What that loss compares besides logits. */
  readonly features?: LessonFeatures
}

/**
 * Features by the names that `forward` of vit-blocks knows. All networks that are trained must have those of `student`, whatever their depth and width: `pooled`, what
 * the head classifies by [B, 1, D], and `norm`, all tokens behind the last norm [B, N, D], are in each.
 */
export interface LessonFeatures {
  readonly student?: readonly string[]
  /** The teacher's. */
  readonly ancestor?: readonly string[]
}

/**
 * A loss of one's own, as terms that are added, per example: [B] each, with whatever weights they have. Their means are reported by name. Depends on tensors only: its GPU
 * commands may be recorded once and replayed.
 *
 * @param student logits [B, C] and features of the network that is trained
 */
export type LessonLoss = (student: ForwardResult, lesson: Pick<Lesson, 'targets' | 'ancestor'>) => { readonly [term: string]: Tensor }

export const LESSON_OPTIONS = { teacher: true, targets: true, labelWeight: true, loss: true, features: true } as const

/** One step's images with what they teach. */
export interface Lesson {
  /** [B, height, width, channels] */
  readonly images: Tensor4D
  /** The share that each class has in each image [B, C]. */
  readonly targets: Tensor2D
  /** The teacher's logits [B, C] and features; null where there is none. */
  readonly ancestor: ForwardResult | null
}

/**
 * What a training's batches teach, and the loss of any network of the family on one: w CE(labels) + (1 - w) CE(teacher), or the user's own, its mean over the batch, by term.
 *
 * @param where the function whose options these are, for errors
 * @param classes C
 * @throws when the images show other classes, the teacher has seen other images than the source gives, or features are asked for that nothing compares
 */
export async function lessonsFrom(
  where: string,
  source: ImageSource,
  classes: number,
  {
    teacher,
    targets: kind = 'soft',
    labelWeight = 0.5,
    loss: own,
    features = {},
    accumulate = 1,
  }: Lessons & { readonly accumulate?: number },
) {
  checkFeatures(where, features, { teacher, loss: own })
  if (own !== undefined) requireArguments(where, { loss: ['function', own] })
  if (kind !== 'soft' && kind !== 'hard') throw new Error(`${where}: targets must be 'soft' or 'hard'; got ${describe(kind)}`)
  if (!teacher || labelWeight > 0 || own) requireClasses(where, source, classes)
  await requireSound(teacher, source)
  const follow = kind === 'soft' ? softTarget : hardTarget
  return {
    lesson({ indices, images, targets }: PlannedBatch): Lesson {
      const ancestor = teacher ? askTeacher(teacher, { indices, images }, features.ancestor ?? [], accumulate > 1) : null
      const told = ancestor?.logits.shape[1] ?? classes
      if (told !== classes) {
        throw new Error(`${where}: the teacher must tell the tiers' ${classes} classes apart; it has ${told}: leave it out`)
      }
      return { images, targets, ancestor }
    },
    prepareLesson: async ({ images }: PlannedBatch) => teacher?.prepare?.(images, features.ancestor ?? []),
    loss(network: Network, { images, targets, ancestor }: Lesson): LossTerms {
      const student = forward(network, images, { features: features.student ?? [] })
      const { logits } = student
      if (own) return meansOf(where, own(student, { targets, ancestor }), logits.shape[0])
      if (!ancestor) return mean(crossEntropy(logits, targets)) as Scalar
      return {
        ...(labelWeight > 0 && { label: mul(mean(crossEntropy(logits, targets)), labelWeight) as Scalar }),
        ...(labelWeight < 1 && { logit: mul(mean(follow(logits, ancestor.logits)), 1 - labelWeight) as Scalar }),
      }
    },
  }
}

/** @throws where they are no lists of names, or no loss or no teacher goes with them */
function checkFeatures(where: string, features: LessonFeatures, { teacher, loss }: Pick<Lessons, 'teacher' | 'loss'>): void {
  requireKeys(`${where}: features`, features, ['student', 'ancestor'])
  const { student = [], ancestor = [] } = features
  requireArguments(where, { 'features.student': ['names', student], 'features.ancestor': ['names', ancestor] })
  if (student.length + ancestor.length > 0 && !loss)
    throw new Error(`${where}: features are for a loss of your own; give it as 'loss', or leave features out`)
  if (ancestor.length > 0 && !teacher)
    throw new Error(`${where}: features.ancestor are the teacher's, and there is none; give a teacher, or leave them out`)
}

/** The mean of each term over the batch. @throws where one is not one value per example */
function meansOf(where: string, terms: ReturnType<LessonLoss>, examples: number): LossTerms {
  requireArguments(where, { 'what the loss returns': ['object', terms] })
  const entries = Object.entries(terms)
  if (entries.length === 0 || terms instanceof Tensor) {
    throw new Error(
      `${where}: a loss must return its terms by name, for example { label: crossEntropy(student.logits, targets) }; got ${describe(terms)}`,
    )
  }
  for (const [name, term] of entries) {
    if (term instanceof Tensor && term.rank === 1 && term.size === examples) continue
    const came = term instanceof Tensor ? `a tensor of shape [${(term as Tensor).shape}]` : describe(term)
    throw new Error(`${where}: the term '${name}' of the loss must be one value for each of the ${examples} examples; got ${came}`)
  }
  return Object.fromEntries(entries.map(([name, term]) => [name, mean(term) as Scalar]))
}
