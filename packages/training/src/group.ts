/**
 * The processes or threads that train one model together, each on its share of every batch. All run the same program with the same seed;
 * they differ in `rank` only.
 */
export interface Group {
  /** 0 .. size-1 */
  readonly rank: number
  readonly size: number
  /** Replaces the values by their mean over the group, the same bits on every member. All members call it with equal lengths. */
  mean(values: Float32Array): void
  /** Replaces the values by their sum over the group, the same bits on every member. */
  sum(values: Float64Array): void
  /** New memory that all members see, zeroed. All call it with the same name and length. */
  share(name: string, byteLength: number): Promise<SharedArrayBuffer | ArrayBuffer>
  /** Waits until all members have come here. */
  barrier(): void
}

/** A group of one. */
export const alone: Group = {
  rank: 0,
  size: 1,
  mean: () => {},
  sum: () => {},
  share: async (_, byteLength) => new ArrayBuffer(byteLength),
  barrier: () => {},
}

/** A member's share of a batch: a contiguous part; all parts are equally long. */
export function shareOf<T extends { slice(start: number, end: number): T; readonly length: number }>(group: Group, batch: T): T {
  const length = batch.length / group.size
  if (!Number.isInteger(length)) {
    throw new Error(`a batch must divide by the number of workers; got ${batch.length} images and ${group.size} workers`)
  }
  return batch.slice(group.rank * length, (group.rank + 1) * length)
}
