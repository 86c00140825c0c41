// Protocol buffers as bytes: https://protobuf.dev/programming-guides/encoding. A message is its fields one after the other.

const [VARINT, LENGTH, FIXED32] = [0, 2, 5] as const

const utf8 = new TextEncoder()

/** The bytes of all parts, one after the other. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Seven bits a byte, the lowest first; negative numbers as 64 bits. */
export function varint(value: number): Uint8Array {
  if (value < 0) return varintOf(BigInt.asUintN(64, BigInt(value)))
  const bytes: number[] = []
  let rest = value
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80)
    rest = Math.floor(rest / 0x80)
  }
  return Uint8Array.of(...bytes, rest)
}

function varintOf(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Uint8Array.of(...bytes, Number(rest))
}

const tag = (field: number, kind: number) => varint(field * 8 + kind)

/** A field of an integer, an enumeration or a boolean. */
export const integer = (field: number, value: number): Uint8Array => join([tag(field, VARINT), varint(value)])

export const float = (field: number, value: number): Uint8Array => join([tag(field, FIXED32), floatBytes([value])])

/** A field of bytes, text or packed numbers. */
export function bytes(field: number, value: Uint8Array | string): Uint8Array {
  const content = typeof value === 'string' ? utf8.encode(value) : value
  return join([tag(field, LENGTH), varint(content.length), content])
}

/** A field that is a message. */
export const message = (field: number, ...parts: readonly Uint8Array[]): Uint8Array => bytes(field, join(parts))

export const packedIntegers = (field: number, values: readonly number[]): Uint8Array => bytes(field, join(values.map(varint)))

export const packedFloats = (field: number, values: readonly number[]): Uint8Array => bytes(field, floatBytes(values))

function floatBytes(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (const [i, value] of values.entries()) view.setFloat32(4 * i, value, true)
  return new Uint8Array(view.buffer)
}
