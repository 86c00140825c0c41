/**
 * The values of one of this package's IDX files, whose shape is known. Unpacks gzip, unless the server that sent the file already did.
 * Throws one line naming the file when it is damaged or of another shape.
 */
export const readValues = async (packed: Uint8Array, shape: readonly number[], file: string): Promise<Uint8Array> => {
  const bytes = packed[0] === 0x1f && packed[1] === 0x8b ? await gunzip(packed, file) : packed
  const header = Uint8Array.of(
    0,
    0,
    8,
    shape.length,
    ...shape.flatMap((size) => [size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255]),
  )
  const expected = header.length + shape.reduce((product, size) => product * size, 1)
  if (bytes.length !== expected || header.some((byte, i) => bytes[i] !== byte))
    throw new Error(
      `${file} must be an IDX file of uint8 ${shape.join(' x ')} in ${expected} bytes, got ${bytes.length} bytes; reinstall @learngene/fashion-mnist`,
    )
  return bytes.subarray(header.length)
}

const gunzip = async (packed: Uint8Array, file: string): Promise<Uint8Array> => {
  try {
    const stream = new Blob([packed as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'))
    return new Uint8Array(await new Response(stream).arrayBuffer())
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${file} is damaged (${reason}); reinstall @learngene/fashion-mnist`)
  }
}
