import { createHash } from 'node:crypto'
import type { Interpolation, Preprocessing, RawImage } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { normalise } from '../normalise.js'
import { evaluationCrop, evaluationTransform } from './evaluation-transform.js'
import golden from './golden.json' with { type: 'json' }
import { resizeImage } from './resize.js'

type Stored = { readonly base64: string } | { readonly sha256: string; readonly stride: number; readonly sample: string }

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

function source([height, width, channels]: readonly number[]): RawImage {
  const data = new Uint8Array(height! * width! * channels!)
  let i = 0
  for (let y = 0; y < height!; y++) for (let x = 0; x < width!; x++) for (let c = 0; c < channels!; c++) data[i++] = pixel(y, x, c)
  return { data, height: height!, width: width!, channels: channels! }
}

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))

function expectPixels(found: Uint8Array, stored: Stored): void {
  if ('base64' in stored) expect(found).toEqual(bytes(stored.base64))
  else {
    expect(found.filter((_, i) => i % stored.stride === 0)).toEqual(bytes(stored.sample))
    expect(createHash('sha256').update(found).digest('hex')).toBe(stored.sha256)
  }
}

const framingOf = ({ mean, std, ...framing }: Preprocessing) => JSON.stringify(framing)

describe(`against ${golden.madeWith}, bit for bit`, () => {
  it.each(golden.resize.map((entry) => [entry.from.join(' x '), entry.to.join(' x '), entry.interpolation, entry] as const))(
    'resizes %s to %s, %s',
    (_from, _to, _interpolation, { from, to, interpolation, ...stored }) => {
      const resized = resizeImage(source(from), { height: to[0]!, width: to[1]! }, interpolation as Interpolation)
      expect([resized.height, resized.width, resized.channels]).toEqual([...to, from[2]])
      expectPixels(resized.data, stored as Stored)
    },
  )

  it.each(
    golden.evaluate.map((entry) => [entry.from.join(' x '), framingOf(entry.preprocessing as unknown as Preprocessing), entry] as const),
  )('prepares %s for evaluation with %s', (_from, _framing, { from, preprocessing, ...stored }) => {
    const image = source(from)
    const complete = preprocessing as unknown as Preprocessing
    const cropped = evaluationCrop(image, complete)
    expect([cropped.height, cropped.width, cropped.channels]).toEqual([...preprocessing.size, from[2]])
    expectPixels(cropped.data, stored as Stored)
    expect(evaluationTransform(complete)(image)).toEqual(normalise(cropped.data, complete))
  })
})
