import type { JsonObject } from '@learngene/interfaces'

/** Floats of a chunk: `target.length` of them from `start` on. */
export interface ChunkRange {
  readonly start: number
  readonly target: Float32Array
}

/** Where {@link cachedTeacher} keeps features beyond the process: float32 values in numbered chunks, each whole or absent. */
export interface ChunkStore {
  /**
   * Comes before everything else, from one member of a group; takes the store for what the manifest describes.
   *
   * @throws when the store holds chunks of something else
   */
  open(manifest: JsonObject): Promise<void>
  /** Whether the chunk is there with so many floats. */
  has(chunk: number, length: number): boolean
  /** @throws when there is no space, leaving the chunk absent */
  write(chunk: number, values: Float32Array): Promise<void>
  /** Fills the targets of all ranges. @returns false where the chunk is absent */
  read(chunk: number, ranges: readonly ChunkRange[]): boolean
}
