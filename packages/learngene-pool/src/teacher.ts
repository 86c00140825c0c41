import { compileStep } from '@learngene/compile-step'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { type ForwardResult, forward, type Network } from '@learngene/vit-blocks'
import type { Tensor4D } from '@tensorflow/tfjs-core'

/** Gives the frozen ancestor's logits and the named features for a batch. Called outside the tape; the caller frees the result. */
export interface Teacher {
  (indices: ArrayLike<number>, images: Tensor4D, features: readonly string[]): ForwardResult
  /** Whether it answers by index what it computed before, so that the images must be the same each time. */
  readonly cached?: boolean
}

/** A teacher that holds memory of its own. */
export type LiveTeacher = Teacher & { dispose(): void }

/**
 * Runs the ancestor anew for every batch: for augmented images, or where a cache would not fit. On the webgpu backend its GPU commands are recorded
 * once for each batch size and choice of features, and replayed. A result is valid until the next call, or `dispose`.
 */
export function liveTeacher(ancestor: Network): LiveTeacher {
  const { run, dispose } = compileStep(({ images, features }: { images: Tensor4D; features: readonly string[] }) =>
    forward(ancestor, images, { features }),
  )
  return Object.assign(((_, images, features) => run({ images, features })) as Teacher, { dispose })
}

/** @throws where the teacher has seen other images than the source gives */
export function requireSound(teacher: Teacher | undefined, source: ImageSource): void {
  if (teacher?.cached && source.augmented) {
    throw new Error('a cached teacher needs images that are the same each time; this source augments them: use liveTeacher')
  }
}
