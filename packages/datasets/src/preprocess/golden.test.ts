import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { normalise } from '../normalise.js'
import { type EvaluationCrop, evaluationCrop, evaluationTransform } from './evaluation-transform.js'
import golden from './golden.json' with { type: 'json' }
import type { RawImage } from './raw-image.js'
import { resizeBicubic } from './resize-bicubic.js'

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

describe(`against ${golden.madeWith}, bit for bit`, () => {
  it.each(golden.resize.map((entry) => [entry.from.join(' x '), entry.to.join(' x '), entry] as const))(
    'resizes %s to %s',
    (_from, _to, { from, to, ...stored }) => {
      const resized = resizeBicubic(source(from), { height: to[0]!, width: to[1]! })
      expect([resized.height, resized.width, resized.channels]).toEqual([...to, from[2]])
      expectPixels(resized.data, stored as Stored)
    },
  )

  it.each(golden.evaluate.map((entry) => [entry.from.join(' x '), JSON.stringify(entry.options), entry] as const))(
    'prepares %s for evaluation with %s',
    (_from, _options, { from, options, ...stored }) => {
      const image = source(from)
      const cropped = evaluationCrop(image, options as EvaluationCrop)
      expect([cropped.height, cropped.width, cropped.channels]).toEqual([options.size, options.size, from[2]])
      expectPixels(cropped.data, stored as Stored)
      const normalisation = { mean: [0.485, 0.456, 0.406].slice(0, from[2]), std: [0.229, 0.224, 0.225].slice(0, from[2]) }
      const transform = evaluationTransform({ ...(options as EvaluationCrop), ...normalisation })
      expect(transform(image)).toEqual(normalise(cropped.data, normalisation))
    },
  )
})
