import { crc32, deflateSync } from 'node:zlib'
import type { RawImage } from '@learngene/interfaces'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const SUB = 1

/** A picture of 1 or 3 channels as a PNG file. @throws where it has others */
export function encodePng({ data, height, width, channels }: RawImage): Uint8Array {
  if (channels !== 1 && channels !== 3) throw new Error(`encodePng: a picture must have 1 or 3 channels; got ${channels}`)
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, channels === 1 ? 0 : 2, 0, 0, 0], 8)
  const row = width * channels
  const lines = new Uint8Array(height * (row + 1))
  for (let y = 0; y < height; y++) {
    const to = y * (row + 1)
    lines[to] = SUB
    for (let x = 0; x < row; x++) lines[to + 1 + x] = data[y * row + x]! - (x < channels ? 0 : data[y * row + x - channels]!)
  }
  return Buffer.concat([SIGNATURE, chunk('IHDR', header), chunk('IDAT', deflateSync(lines, { level: 9 })), chunk('IEND', new Uint8Array())])
}

function chunk(type: string, content: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}
