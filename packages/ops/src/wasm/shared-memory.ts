/** `(import "env" "memory" (memory 0))` as the compiler writes it: the two names with their lengths, the kind, the limits. */
const IMPORT = [3, ...bytes('env'), 6, ...bytes('memory'), 2]
const UNSHARED_LIMITS = [0, 0]
/** Shared, from 0 to 65,536 pages (LEB128): the largest range, which every shared memory fits into. */
const SHARED_LIMITS = [3, 0, 0x80, 0x80, 0x04]

/**
 * The same module importing a shared memory, such as that of a backend with threads. WebAssembly makes this part of a module's type, though
 * the code, which one thread runs at a time, is the same.
 */
export function withSharedMemory(binary: Uint8Array): Uint8Array<ArrayBuffer> {
  const old = [...IMPORT, ...UNSHARED_LIMITS]
  const at = binary.findIndex((_, start) => old.every((byte, i) => binary[start + i] === byte))
  // The section's id, size and count of imports stand before its only import; the size takes one byte, for it is below 128.
  const size = at - 2
  const expected = old.length + 1
  if (at < 3 || binary[size] !== expected) throw new Error('the wasm module must import its memory alone, as "env" "memory"')
  const result = Uint8Array.from([...binary.subarray(0, at), ...IMPORT, ...SHARED_LIMITS, ...binary.subarray(at + old.length)])
  result[size] = expected + SHARED_LIMITS.length - UNSHARED_LIMITS.length
  return result
}

function bytes(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0))
}
