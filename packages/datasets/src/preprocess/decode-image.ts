import { open } from 'node:fs/promises'
import type { RawImage } from '@learngene/interfaces'

export interface DecodeOptions {
  /**
   * Whether the rotation that a camera noted in the file (EXIF orientation) is applied; default true. timm and torchvision leave it out: figures that they report for
   * a set of photographs are met with false.
   */
  readonly exifOrientation?: boolean
}

/**
 * Decodes an image file (JPEG, PNG, WebP, GIF, AVIF, TIFF) to RGB in its own size, as `Image.open(path).convert('RGB')` of Pillow does, or with
 * `ImageOps.exif_transpose` between: colour profiles are not applied, transparency is dropped, palettes are looked up, grey becomes three equal channels,
 * CMYK and YCCK are converted without a profile, of several frames or pages the first is taken. Of 16 bits per channel the upper 8 are taken, also of grey, where
 * Pillow clips. Needs the package sharp.
 *
 * @param source a path, or the file's bytes
 * @throws one line that says how to get sharp where it is missing, or names the file that cannot be opened or decoded
 */
export const decodeImage = async (source: string | Uint8Array, { exifOrientation = true }: DecodeOptions = {}): Promise<RawImage> => {
  const sharp = await importSharp()
  try {
    // Pillow, too, reads what is damaged but whole.
    const file = sharp(source, { ignoreIcc: true, failOn: 'error' })
    const { space } = await file.metadata()
    const upright = exifOrientation ? file.autoOrient() : file
    const opaque = upright.removeAlpha()
    const inks = space === 'cmyk'
    const { data, info } = await (inks ? opaque.pipelineColourspace('cmyk').toColourspace('cmyk') : opaque.toColourspace('srgb'))
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    const pixels = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    return { data: inks ? fromInks(pixels) : pixels, height: info.height, width: info.width, channels: 3 }
  } catch (error) {
    const isPath = typeof source === 'string'
    if (isPath) await requireReadable(source)
    const name = isPath ? source : `image of ${source.length} bytes`
    throw new Error(`${name}: cannot be decoded as an image (${(error as Error).message.split('\n')[0]})`)
  }
}

/** Which sharp does not tell from a damaged file. @throws one line that says why the file cannot be read */
const requireReadable = async (path: string): Promise<void> => {
  try {
    const file = await open(path)
    await file.read(Buffer.alloc(1), 0, 1, 0).finally(() => file.close())
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(`${path}: cannot be read (${code ?? message})`)
  }
}

/** CMYK to RGB as Pillow converts it (src/libImaging/Convert.c, cmyk2rgb): white less black, less each ink's share of that. */
const fromInks = (cmyk: Uint8Array): Uint8Array => {
  const rgb = new Uint8Array((cmyk.length / 4) * 3)
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    const white = 255 - cmyk[from + 3]!
    for (let ink = 0; ink < 3; ink++) {
      const product = cmyk[from + ink]! * white + 128
      rgb[to++] = white - (((product >> 8) + product) >> 8)
    }
  }
  return rgb
}

/** @throws one line that says how to get it where it is missing */
export const importSharp = async () => {
  try {
    return (await import('sharp')).default
  } catch (error) {
    throw new Error(
      `decodeImage needs the package sharp, which is not installed or does not load (${(error as Error).message.split('\n')[0]}); get it with: npm install sharp`,
    )
  }
}
