import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { joined } from './joined.js'
import type { KeptMetrics } from './metrics.js'

/**
 * Lines as records of a TensorBoard event file, one for each. The first record of a file is {@link eventFileStart}.
 * Source: tensorflow/core/lib/io/record_writer.h, tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto.
 */
export function eventRecords(lines: readonly KeptMetrics[]): Uint8Array {
  return joined(
    lines.map(({ time, step, values }) => {
      const summary = new BinaryWriter()
      for (const [tag, value] of Object.entries(values))
        summary.tag(1, WireType.LengthDelimited).fork().tag(1, 2).string(tag).tag(2, 5).float(value).join()
      return record(event(time).tag(2, WireType.Varint).int64(step).tag(5, WireType.LengthDelimited).bytes(summary.finish()))
    }),
  )
}

/** The record that an event file starts with: its version. */
export const eventFileStart = (time: number): Uint8Array => record(event(time).tag(3, WireType.LengthDelimited).string('brain.Event:2'))

const event = (time: number): BinaryWriter => new BinaryWriter().tag(1, WireType.Bit64).double(time)

/** Length as uint64, its checksum, the data, their checksum; all of them little-endian. */
function record(content: BinaryWriter): Uint8Array {
  const data = content.finish()
  const bytes = new Uint8Array(data.length + 16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, data.length, true)
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true)
  bytes.set(data, 12)
  view.setUint32(12 + data.length, maskedCrc32c(data), true)
  return bytes
}

function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** Castagnoli's polynomial, reversed. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** CRC-32C. Source: RFC 3720, appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
