import type { Reporter } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import type { Group } from '@learngene/training'
import { type ForwardResult, forward, type Network } from '@learngene/vit-blocks'
import { concat, dispose, gather, type Tensor, type Tensor2D, type Tensor3D, type Tensor4D, tensor, tidy } from '@tensorflow/tfjs-core'
import type { ChunkStore } from './chunk-store.js'

/** One output of the ancestor for each image. */
interface Column {
  /** Without the batch dimension. */
  readonly shape: readonly number[]
  /** Floats of one image. */
  readonly size: number
  /** Those of the first images, as far as memory allows. */
  readonly values: Float32Array
}

/** Outputs of the ancestor by image. Images are kept in chunks; a chunk lies in memory, in the store or nowhere. */
export interface FeatureRows {
  /** `LOGITS` first. */
  readonly columns: ReadonlyMap<string, Column>
  readonly images: number
  readonly perChunk: number
  /** Images whose values lie in memory. */
  readonly inMemory: number
  readonly store?: ChunkStore
}

const LOGITS = 'logits'

interface FillOptions {
  readonly ancestor: Network
  readonly features: readonly string[]
  readonly source: ImageSource
  readonly batchSize: number
  readonly memoryLimit: number
  readonly store?: ChunkStore
  readonly group: Group
  readonly onBatch?: (done: number, total: number) => void
  readonly report?: Reporter
}

/** Computes or reads all chunks that memory or the store has room for, each member its share of them. */
export async function fillRows({ ancestor, features, source, group, onBatch, report, ...options }: FillOptions): Promise<FeatureRows> {
  const { batchSize: perChunk, memoryLimit } = options
  const { classes } = ancestor.head
  const { tokens, width } = ancestor.embedding
  const shapes = [[LOGITS, [classes]] as const, ...features.map((name) => [name, [tokens, width]] as const)]
  const rowLength = classes + features.length * tokens * width
  const chunksInMemory = Math.floor(memoryLimit / (4 * rowLength * perChunk))
  const fits = memoryLimit >= 4 * rowLength * source.length
  const inMemory = fits ? source.length : chunksInMemory * perChunk
  const columns = new Map<string, Column>()
  for (const [name, shape] of shapes) {
    const size = shape.reduce((product, length) => product * length, 1)
    columns.set(name, { shape, size, values: new Float32Array(await group.share(`ancestor ${name}`, 4 * size * inMemory)) })
  }
  const rows: FeatureRows = { columns, images: source.length, perChunk, inMemory, store: options.store }

  let { store } = options
  const total = Math.ceil((store ? source.length : inMemory) / perChunk)
  for (let chunk = group.rank; chunk < total; chunk += group.size) {
    const kept = chunk * perChunk < inMemory
    const places = [...columns].map(([name]) => wholeRange(rows, chunk, name))
    const stored = store?.has(chunk, imagesOf(rows, chunk) * rowLength) ?? false
    if ((kept || store) && (!stored || (kept && !store!.read(chunk, places)))) {
      const values = await computeChunk(rows, chunk, ancestor, features, source)
      if (kept) for (const place of places) copyRange(place, values)
      await store?.write(chunk, values).catch((error: Error) => {
        store = undefined
        report?.({ kind: 'message', text: `the ancestor's features are not stored any further: ${error.message}` })
      })
    }
    onBatch?.(Math.min(chunk + group.size, total), total)
  }
  group.barrier()
  return rows
}

/** All outputs for the images of a chunk, one column after the other. */
async function computeChunk(
  rows: FeatureRows,
  chunk: number,
  ancestor: Network,
  features: readonly string[],
  source: ImageSource,
): Promise<Float32Array> {
  const indices = Uint32Array.from({ length: imagesOf(rows, chunk) }, (_, i) => chunk * rows.perChunk + i)
  const { images, targets } = await source.batch(indices)
  const result = forward(ancestor, images, { features })
  const columns = await Promise.all([result.logits, ...features.map((name) => result.features[name]!)].map((x) => x.data<'float32'>()))
  dispose([images, targets, result.logits, result.features as { [name: string]: Tensor3D }])
  const values = new Float32Array(columns.reduce((length, column) => length + column.length, 0))
  columns.reduce((start, column) => {
    values.set(column, start)
    return start + column.length
  }, 0)
  return values
}

/**
 * The outputs of the named images: kept ones from where they lie, the others computed.
 *
 * @param compute runs the ancestor on images
 * @param images [B, height, width, channels], those of the indices
 */
export function rowsAt(
  rows: FeatureRows,
  indices: ArrayLike<number>,
  names: readonly string[],
  compute: (images: Tensor4D) => ForwardResult,
  images: Tensor4D,
): ForwardResult {
  const count = indices.length
  const wanted = [LOGITS, ...names]
  const found = new Map(wanted.map((name) => [name, new Float32Array(count * rows.columns.get(name)!.size)]))
  const missing: number[] = []
  for (let i = 0; i < count; i++) if (!readRow(rows, indices[i]!, i, found)) missing.push(i)
  if (missing.length === count && count > 0) return compute(images)
  return tidy(() => {
    const kept = wanted.map((name) => tensor(found.get(name)!, [count, ...rows.columns.get(name)!.shape], 'float32')) // [B, ...]
    if (missing.length === 0) return resultOf(kept, names)
    const fresh = compute(gather(images, missing))
    const order = Array.from({ length: count }, (_, i) => i)
    missing.forEach((position, k) => {
      order[position] = count + k
    })
    const columns = [fresh.logits, ...names.map((name) => fresh.features[name]!)]
    return resultOf(
      kept.map((values, i) => gather(concat([values, columns[i]!], 0), order)), // [B, ...]
      names,
    )
  })
}

function resultOf([logits, ...features]: Tensor[], names: readonly string[]) {
  const byName: { [name: string]: Tensor3D } = Object.fromEntries(names.map((name, i) => [name, features[i] as Tensor3D]))
  return { logits: logits as Tensor2D, features: byName }
}

/** Copies what is kept of one image to row `i` of each array. */
function readRow(rows: FeatureRows, index: number, i: number, into: ReadonlyMap<string, Float32Array>): boolean {
  if (index < rows.inMemory) {
    for (const [name, target] of into) {
      const { size, values } = rows.columns.get(name)!
      target.set(values.subarray(index * size, (index + 1) * size), i * size)
    }
    return true
  }
  const chunk = Math.floor(index / rows.perChunk)
  const ranges = [...into].map(([name, target]) => {
    const { size } = rows.columns.get(name)!
    const start = columnStart(rows, chunk, name) + (index % rows.perChunk) * size
    return { start, target: target.subarray(i * size, (i + 1) * size) }
  })
  return rows.store?.read(chunk, ranges) ?? false
}

function imagesOf({ images, perChunk }: FeatureRows, chunk: number): number {
  return Math.min(perChunk, images - chunk * perChunk)
}

/** Where a column begins in a chunk. */
function columnStart(rows: FeatureRows, chunk: number, name: string): number {
  let start = 0
  for (const [other, { size }] of rows.columns) {
    if (other === name) break
    start += size * imagesOf(rows, chunk)
  }
  return start
}

/** A column of a chunk and its place in memory. */
function wholeRange(rows: FeatureRows, chunk: number, name: string): { start: number; target: Float32Array } {
  const { size, values } = rows.columns.get(name)!
  const first = chunk * rows.perChunk
  return {
    start: columnStart(rows, chunk, name),
    target: values.subarray(first * size, (first + imagesOf(rows, chunk)) * size),
  }
}

function copyRange({ start, target }: { start: number; target: Float32Array }, values: Float32Array): void {
  target.set(values.subarray(start, start + target.length))
}
