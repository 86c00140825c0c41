import { compileStep } from '@learngene/compile-step'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { alone, type Group } from '@learngene/training'
import { type ForwardResult, forward, type Network } from '@learngene/vit-blocks'
import { dispose, type Tensor3D, type Tensor4D, tensor2d, tensor3d } from '@tensorflow/tfjs-core'

/** Gives the frozen ancestor's logits and the named features for a batch. Called outside the tape; the caller frees the result. */
export type Teacher = (indices: ArrayLike<number>, images: Tensor4D, features: readonly string[]) => ForwardResult

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

export interface CacheOptions {
  readonly batchSize?: number
  /** Whose members fill one shared cache together. */
  readonly group?: Group
  readonly onBatch?: (done: number, total: number) => void
}

/** Bytes that {@link cachedTeacher} takes for `length` images. */
export function cacheBytes(ancestor: Network, features: readonly string[], length: number): number {
  return 4 * length * (ancestor.head.classes + features.length * ancestor.embedding.tokens * ancestor.embedding.width)
}

/**
 * Runs the ancestor once over all images and keeps logits and features in memory (4 bytes per value, {@link cacheBytes}):
 * right where images are not augmented. Features must have the ancestor's width.
 *
 * @throws what `forward` throws on an unknown feature
 */
export async function cachedTeacher(
  ancestor: Network,
  features: readonly string[],
  source: ImageSource,
  { batchSize = 64, group = alone, onBatch }: CacheOptions = {},
): Promise<Teacher> {
  const { classes } = ancestor.head
  const { tokens, width } = ancestor.embedding
  const open = async (name: string, floats: number) => new Float32Array(await group.share(`ancestor ${name}`, 4 * floats * source.length))
  const logits = await open('logits', classes)
  const stores = new Map<string, Float32Array>()
  for (const name of features) stores.set(name, await open(name, tokens * width))

  const batches = Math.ceil(source.length / batchSize)
  for (let batch = group.rank; batch < batches; batch += group.size) {
    const start = batch * batchSize
    const indices = Uint32Array.from({ length: Math.min(batchSize, source.length - start) }, (_, i) => start + i)
    const images = source.images(indices)
    const result = forward(ancestor, images, { features })
    images.dispose()
    logits.set(await result.logits.data<'float32'>(), start * classes)
    for (const [name, store] of stores) store.set(await result.features[name]!.data<'float32'>(), start * tokens * width)
    dispose([result.logits, result.features as { [name: string]: Tensor3D }])
    onBatch?.(Math.min(batch + group.size, batches), batches)
  }
  group.barrier()

  const featureOf = (name: string, indices: ArrayLike<number>): Tensor3D => {
    const store = stores.get(name)
    if (!store)
      throw new Error(`cachedTeacher: feature '${name}' was not cached; cached are ${[...stores.keys()].join(', ') || 'the logits only'}`)
    return tensor3d(gather(store, indices, tokens * width), [indices.length, tokens, width])
  }
  return (indices, _, names) => ({
    logits: tensor2d(gather(logits, indices, classes), [indices.length, classes]),
    features: Object.fromEntries(names.map((name) => [name, featureOf(name, indices)])),
  })
}

/** Rows of the given length, one after the other. */
function gather(values: Float32Array, indices: ArrayLike<number>, length: number): Float32Array {
  const rows = new Float32Array(indices.length * length)
  for (let i = 0; i < indices.length; i++) rows.set(values.subarray(indices[i]! * length, (indices[i]! + 1) * length), i * length)
  return rows
}
