import { expect, it } from 'vitest'
import { decode, type TensorData } from './decode.js'
import type { Dtype } from './dtype.js'

const cases: [Dtype, TensorData, TensorData][] = [
  ['F64', Float64Array.of(1 / 3, -0), Float64Array.of(1 / 3, -0)],
  ['F32', Float32Array.of(1.5, -2), Float32Array.of(1.5, -2)],
  ['F16', Uint8Array.of(0x00, 0x3c, 0x01, 0x80), Float32Array.of(1, -(2 ** -24))],
  ['BF16', Uint8Array.of(0x80, 0x3f, 0x49, 0x40), Float32Array.of(1, 3.140625)],
  ['I64', BigInt64Array.of(-(2n ** 63n), 5n), BigInt64Array.of(-(2n ** 63n), 5n)],
  ['I32', Int32Array.of(-1, 2 ** 31 - 1), Int32Array.of(-1, 2 ** 31 - 1)],
  ['U8', Uint8Array.of(0, 255), Uint8Array.of(0, 255)],
  ['BOOL', Uint8Array.of(0, 1), Uint8Array.of(0, 1)],
]

it.each(cases)('decodes %s at any alignment, also from a Buffer, into memory of its own', (dtype, stored, expected) => {
  for (const offset of [0, 1, 3]) {
    const memory = Buffer.alloc(offset + stored.byteLength)
    memory.set(new Uint8Array(stored.buffer), offset)
    const decoded = decode(dtype, memory.subarray(offset))
    memory.fill(0xaa)
    expect(decoded).toEqual(expected)
  }
})

it('decodes no bytes to no elements', () => {
  expect(decode('F16', new Uint8Array())).toEqual(new Float32Array())
})
