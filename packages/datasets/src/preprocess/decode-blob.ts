import type { RawImage } from '@learngene/interfaces'
import type { DecodeOptions } from './decode-image.js'
import { readOrientation, turnUpright } from './exif.js'

/**
 * Decodes an image file in a browser, on the page or in a worker, to RGB in its own size; the canvas only reads the pixels, it does not resize.
 * The orientation that a camera noted in a JPEG, PNG or WebP file is applied as `decodeImage` does it, in every browser alike. Transparency is dropped; the canvas keeps the
 * colours of transparent pixels only roughly, and CMYK is converted as the browser does it.
 * For Node see `decodeImage` of `@learngene/datasets/node`.
 *
 * @throws when there is no canvas, as in Node, or the browser cannot decode the file
 */
export const decodeBlob = async (blob: Blob, { exifOrientation = true }: DecodeOptions = {}): Promise<RawImage> => {
  if (typeof createImageBitmap === 'undefined' || typeof OffscreenCanvas === 'undefined')
    throw new Error("decodeBlob needs a browser with OffscreenCanvas; in Node use decodeImage of '@learngene/datasets/node'")
  const asIs = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const
  const { orientation, rest } = readOrientation(new Uint8Array(await blob.arrayBuffer()))
  const plain = orientation === 1 ? blob : new Blob(rest as Uint8Array<ArrayBuffer>[], { type: blob.type })
  const bitmap = await createImageBitmap(plain, asIs).catch((error: unknown) => {
    throw new Error(`${nameOf(blob)}: cannot be decoded as an image (${error instanceof Error ? error.message : error})`)
  })
  try {
    const { height, width } = bitmap
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
    if (!context) throw new Error(`${nameOf(blob)}: the browser gives no canvas of ${height} x ${width} pixels`)
    context.drawImage(bitmap, 0, 0)
    const stored = { data: withoutAlpha(context.getImageData(0, 0, width, height).data), height, width, channels: 3 }
    return exifOrientation ? turnUpright(stored, orientation) : stored
  } finally {
    bitmap.close()
  }
}

const withoutAlpha = (rgba: Uint8ClampedArray): Uint8Array => {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let c = 0; c < 3; c++) rgb[to++] = rgba[from + c]!
  }
  return rgb
}

const nameOf = (blob: Blob): string => (blob instanceof File ? blob.name : `${blob.type || 'blob'} of ${blob.size} bytes`)
