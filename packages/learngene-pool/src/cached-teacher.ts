import type { JsonObject, Reporter } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { requireArguments } from '@learngene/stitch'
import { alone, type Group } from '@learngene/training'
import { forward, type Network, saveModel } from '@learngene/vit-blocks'
import type { Tensor4D } from '@tensorflow/tfjs-core'
import type { ChunkStore } from './chunk-store.js'
import { fillRows, rowsAt } from './feature-rows.js'
import { sha256 } from './sha256.js'
import { sampledPixels, type Teacher } from './teacher.js'

export interface CacheOptions {
  /** Images that the ancestor sees at a time, also those of one chunk in the store; default 64. */
  readonly batchSize?: number
  /** Bytes of features to keep in memory; default 4 GiB. Without a store the ancestor runs anew for the images beyond. */
  readonly memoryLimit?: number
  /** Keeps the features of all images for later runs, and those that memory has no room for: `featureFolder` of the entry `/node`. */
  readonly store?: ChunkStore
  /** Whose members fill one shared cache together. */
  readonly group?: Group
  readonly onBatch?: (done: number, total: number) => void
  /** Receives a message where the store has no more space. */
  readonly report?: Reporter
}

/** Bytes of the features of `length` images. */
export function cacheBytes(ancestor: Network, features: readonly string[], length: number): number {
  requireArguments('cacheBytes', { ancestor: ['network', ancestor], features: ['names', features] })
  return 4 * length * (ancestor.head.classes + features.length * ancestor.embedding.tokens * ancestor.embedding.width)
}

/**
 * Runs the ancestor once over all images and keeps logits and features, 4 bytes per value ({@link cacheBytes}): in memory up to a limit, in a
 * store where one is given; what fits in neither is computed again for each batch. Right where images are the same each time. Features must
 * have the ancestor's width.
 *
 * @throws where the source augments its images, where the store holds features of another ancestor or other images, and what `forward` throws
 * on an unknown feature
 */
export async function cachedTeacher(
  ancestor: Network,
  features: readonly string[],
  source: ImageSource,
  { batchSize = 64, memoryLimit = 2 ** 32, store, group = alone, onBatch, report }: CacheOptions = {},
): Promise<Teacher> {
  requireArguments('cachedTeacher', { ancestor: ['network', ancestor], features: ['names', features], source: ['source', source] })
  if (source.augmented) {
    throw new Error('cachedTeacher: images must be the same each time; this source augments them: use liveTeacher')
  }
  if (!Number.isInteger(batchSize) || batchSize < 1)
    throw new Error(`cachedTeacher: batchSize must be a positive integer; got ${batchSize}`)
  if (!(memoryLimit >= 0)) throw new Error(`cachedTeacher: memoryLimit must be at least 0 bytes; got ${memoryLimit}`)
  if (store) await openTogether(group, store, () => manifestOf(ancestor, features, source, batchSize))
  const rows = await fillRows({ ancestor, features, source, batchSize, memoryLimit, store, group, onBatch, report })

  const teacher = (indices: ArrayLike<number>, images: Tensor4D, names: readonly string[]) => {
    const unknown = names.find((name) => !features.includes(name))
    if (unknown !== undefined) {
      throw new Error(`cachedTeacher: feature '${unknown}' was not cached; cached are ${features.join(', ') || 'the logits only'}`)
    }
    return rowsAt(rows, indices, names, (images) => forward(ancestor, images, { features: names }), images)
  }
  return Object.assign(teacher, { source })
}

async function openTogether(group: Group, store: ChunkStore, manifest: () => Promise<JsonObject>): Promise<void> {
  if (group.rank === 0) await store.open(await manifest())
  group.barrier()
}

/** What features depend on. */
async function manifestOf(ancestor: Network, features: readonly string[], source: ImageSource, batchSize: number): Promise<JsonObject> {
  const pixels = await sampledPixels(source)
  return {
    format: 'learngene-features',
    schema: 1,
    ancestor: await sha256(await saveModel(ancestor)),
    images: source.length,
    sample: await sha256(new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.byteLength)),
    features,
    batchSize,
  }
}
