import type { RawImage } from '@learngene/interfaces'
import type { DecodeOptions } from './decode-image.js'

/**
 * Decodes an image file in a browser, on the page or in a worker, to RGB in its own size; the canvas only reads the pixels, it does not resize.
 * Transparency is dropped; the canvas keeps the colours of transparent pixels only roughly, CMYK is converted as the browser
 * does it, and in other files than JPEG the browser decides about the EXIF orientation.
 * For Node see `decodeImage` of `@learngene/datasets/node`.
 *
 * @throws when there is no canvas, as in Node, or the browser cannot decode the file
 */
export const decodeBlob = async (blob: Blob, { exifOrientation = true }: DecodeOptions = {}): Promise<RawImage> => {
  if (typeof createImageBitmap === 'undefined' || typeof OffscreenCanvas === 'undefined')
    throw new Error("decodeBlob needs a browser with OffscreenCanvas; in Node use decodeImage of '@learngene/datasets/node'")
  const asIs = { colorSpaceConversion: 'none', premultiplyAlpha: 'none' } as const
  const bitmap = await createImageBitmap(exifOrientation ? blob : await withoutExif(blob), asIs).catch((error: unknown) => {
    throw new Error(`${nameOf(blob)}: cannot be decoded as an image (${error instanceof Error ? error.message : error})`)
  })
  try {
    const { height, width } = bitmap
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
    if (!context) throw new Error(`${nameOf(blob)}: the browser gives no canvas of ${height} x ${width} pixels`)
    context.drawImage(bitmap, 0, 0)
    return { data: withoutAlpha(context.getImageData(0, 0, width, height).data), height, width, channels: 3 }
  } finally {
    bitmap.close()
  }
}

/** A JPEG file whose EXIF data no decoder finds: Chromium orients images even where `imageOrientation` is 'none'. Other files stay as they are. */
const withoutExif = async (blob: Blob): Promise<Blob> => {
  const bytes = new Uint8Array(await blob.arrayBuffer())
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8
  // Segments are 0xff, a marker and a length of two bytes; after 0xda comes the image.
  for (let at = 2; isJpeg && bytes[at] === 0xff && bytes[at + 1] !== 0xda; at += 2 + 256 * bytes[at + 2]! + bytes[at + 3]!) {
    if (bytes[at + 1] === 0xe1 && String.fromCharCode(...bytes.subarray(at + 4, at + 8)) === 'Exif') bytes[at + 4] = 0
  }
  return new Blob([bytes], { type: blob.type })
}

const withoutAlpha = (rgba: Uint8ClampedArray): Uint8Array => {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    for (let c = 0; c < 3; c++) rgb[to++] = rgba[from + c]!
  }
  return rgb
}

const nameOf = (blob: Blob): string => (blob instanceof File ? blob.name : `${blob.type || 'blob'} of ${blob.size} bytes`)
