/** Random access to bytes: a file, a URL range, memory. Weights are read through it. */
export interface ByteSource {
  /** Total length in bytes. */
  readonly byteLength: number
  /** Bytes start (inclusive) to end (exclusive). */
  slice(start: number, end: number): Promise<Uint8Array> | Uint8Array
}
