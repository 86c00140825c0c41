/** Whether the bytes begin as every gzip file does (RFC 1952). */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

/** Unpacks gzip with what browsers and Node share. Throws one line naming the file when the data is damaged or cut short. */
export const gunzip = async (bytes: Uint8Array, name: string): Promise<Uint8Array> => {
  try {
    const unpacked = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'))
    return new Uint8Array(await new Response(unpacked).arrayBuffer())
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`${name}: gzip data is damaged or cut short (${reason}, ${bytes.length} bytes); fetch the file again`)
  }
}
