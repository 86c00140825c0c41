import type { ByteSource } from '@learngene/interfaces'
import { SafetensorsError } from './safetensors-error.js'

/** Bytes in memory as a source. Slices are views, not copies. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return { byteLength: bytes.byteLength, slice: (start, end) => bytes.subarray(start, end) }
}

/** The bytes start to end of the source; an error where it hands out another number of bytes. */
export async function readExactly(source: ByteSource, start: number, end: number, name: string): Promise<Uint8Array> {
  const bytes = await source.slice(start, end)
  if (bytes.byteLength !== end - start) {
    throw new SafetensorsError(`${name}: reading bytes ${start} to ${end} must give ${end - start} bytes, got ${bytes.byteLength}`)
  }
  return bytes
}
