import { createHash } from 'node:crypto'
import type { RawImage } from '@learngene/interfaces'
import { expect } from 'vitest'

export type Stored = { readonly base64: string } | { readonly sha256: string; readonly stride: number; readonly sample: string }

/** `pixel` of scripts/make-preprocess-golden.py. */
function pixel(y: number, x: number, c: number): number {
  switch ((Math.floor(x / 16) + Math.floor(y / 16) + c) % 4) {
    case 0:
      return (x * 5 + y * 3 + c * 40) % 256
    case 1:
      return (Math.floor(x / 3) + Math.floor(y / 2)) % 2 ? 255 : 0
    case 2:
      return (((x + 7) * (y + 11) * (c + 3) * 2654435) % 65521) % 256
    default:
      return 200 - c * 50
  }
}

/** An image of known pixels, those of every `scale`-th place. */
export function source([height, width, channels]: readonly number[], scale = 1): RawImage {
  const data = new Uint8Array(height! * width! * channels!)
  let i = 0
  for (let y = 0; y < height!; y++)
    for (let x = 0; x < width!; x++) for (let c = 0; c < channels!; c++) data[i++] = pixel(scale * y, scale * x, c)
  return { data, height: height!, width: width!, channels: channels! }
}

export const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))

export function expectPixels(found: Uint8Array, stored: Stored): void {
  if ('base64' in stored) expect(found).toEqual(bytes(stored.base64))
  else {
    expect(found.filter((_, i) => i % stored.stride === 0)).toEqual(bytes(stored.sample))
    expect(createHash('sha256').update(found).digest('hex')).toBe(stored.sha256)
  }
}
