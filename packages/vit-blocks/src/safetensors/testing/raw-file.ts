/** A file of the given header, written as it stands if it is text or bytes, followed by `dataBytes` bytes of data: 0, 1, 2, ... */
export function rawFile(header: unknown, dataBytes = 0): Uint8Array {
  const json =
    header instanceof Uint8Array ? header : new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const file = new Uint8Array(8 + json.length + dataBytes)
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true)
  file.set(json, 8)
  for (let i = 0; i < dataBytes; i++) file[8 + json.length + i] = i
  return file
}
