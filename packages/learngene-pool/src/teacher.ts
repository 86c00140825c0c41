import { compileStep } from '@learngene/compile-step'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { opsSettings } from '@learngene/ops'
import { requireArguments } from '@learngene/stitch'
import { type ForwardResult, forward, type Network } from '@learngene/vit-blocks'
import { dispose, mul, type Tensor4D } from '@tensorflow/tfjs-core'

/** Gives the frozen ancestor's logits and the named features for a batch. Called outside the tape; the caller frees the result. */
export interface Teacher {
  (indices: ArrayLike<number>, images: Tensor4D, features: readonly string[]): ForwardResult
  /**
   * Makes ready to be asked about such images and features, without holding up the thread: compiles GPU programs that are new. Awaited before the first call of a training,
   * which is about these images; a teacher without it is ready.
   */
  prepare?(images: Tensor4D, features: readonly string[]): Promise<void>
  /** Where it answers by index what it computed before: the images that it saw. It teaches with these only. */
  readonly source?: ImageSource
}

/** A teacher that holds memory of its own. */
export type LiveTeacher = Teacher & { dispose(): void }

/**
 * Runs the ancestor anew for every batch: for augmented images, or where a cache would not fit. On the webgpu backend its GPU commands are recorded
 * once for each batch size, choice of features, precision and mode of the operations, and replayed. A result is valid until the next call, or `dispose`.
 */
export function liveTeacher(ancestor: Network): LiveTeacher {
  requireArguments('liveTeacher', { ancestor: ['network', ancestor] })
  const compiled = compileStep(({ images, features }: { images: Tensor4D; features: readonly string[] }) =>
    forward(ancestor, images, { features }),
  )
  const teacher: Teacher = (_, images, features) => compiled.run({ images, features }, opsSettings())
  const prepare: Teacher['prepare'] = (images, features) => compiled.prepare({ images, features }, opsSettings())
  return Object.assign(teacher, { prepare, dispose: compiled.dispose })
}

/** A teacher's answers to a batch, as copies where others are asked for before these have been used. */
export function askTeacher(
  teacher: Teacher,
  { indices, images }: { readonly indices: ArrayLike<number>; readonly images: Tensor4D },
  features: readonly string[],
  copied: boolean,
): ForwardResult {
  const result = teacher(indices, images, features)
  if (!copied) return result
  const copies = Object.entries(result.features).map(([name, value]) => [name, mul(value, 1)])
  return { ...result, logits: mul(result.logits, 1), features: Object.fromEntries(copies) }
}

/**
 * Makes sure that a teacher which answers by index has seen the images that it is asked about. Another source is taken for the same where its fingerprint
 * is, or where one has none, the pixels of {@link sampledPixels}.
 *
 * @throws where the source augments its images or they are others
 */
export async function requireSound(teacher: Teacher | undefined, source: ImageSource): Promise<void> {
  if (!teacher) return
  requireArguments('training', { teacher: ['function', teacher] })
  const seen = teacher.source
  if (!seen) return
  if (source.augmented) {
    throw new Error('a cached teacher needs images that are the same each time; this source augments them: use liveTeacher')
  }
  if (seen === source) return
  const fix = 'make the cache of the source that is trained on, or use liveTeacher'
  if (source.length !== seen.length) {
    throw new Error(`a cached teacher must be asked about the images that it saw, ${seen.length}; this source has ${source.length}: ${fix}`)
  }
  const [first, second] = [await seen.fingerprint?.(), await source.fingerprint?.()]
  if (first !== undefined && first === second) return
  const [known, asked] = [await sampledPixels(seen), await sampledPixels(source)]
  if (known.length !== asked.length || known.some((value, i) => !Object.is(value, asked[i]))) {
    throw new Error(`a cached teacher must be asked about the images that it saw; this source has others: ${fix}`)
  }
}

const SAMPLED_IMAGES = 32

/** The pixels of up to 32 images, evenly spread: by these a source is known again. */
export async function sampledPixels(source: ImageSource): Promise<Float32Array> {
  const count = Math.min(SAMPLED_IMAGES, source.length)
  const indices = Uint32Array.from({ length: count }, (_, i) => Math.floor((i * source.length) / count))
  const { images, targets } = await source.batch(indices)
  try {
    return await images.data<'float32'>()
  } finally {
    dispose([images, targets])
  }
}
