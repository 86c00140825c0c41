import type { RawImage } from './raw-image.js'

/**
 * Decodes an image file (JPEG, PNG, WebP, GIF, AVIF, TIFF) to RGB in its own size, as `Image.open(path).convert('RGB')` of Pillow does: colour profile and
 * EXIF orientation are not applied, transparency is dropped, grey becomes three equal channels. Needs the package sharp.
 *
 * @param source a path, or the file's bytes
 * @throws one line that says how to get sharp where it is missing, or names the file that cannot be decoded
 */
export const decodeImage = async (source: string | Uint8Array): Promise<RawImage> => {
  const sharp = await importSharp()
  try {
    const { data, info } = await sharp(source, { ignoreIcc: true })
      .removeAlpha()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true })
    return {
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      height: info.height,
      width: info.width,
      channels: info.channels,
    }
  } catch (error) {
    const name = typeof source === 'string' ? source : `image of ${source.length} bytes`
    throw new Error(`${name}: cannot be decoded as an image (${(error as Error).message.split('\n')[0]})`)
  }
}

const importSharp = async () => {
  try {
    return (await import('sharp')).default
  } catch (error) {
    throw new Error(
      `decodeImage needs the package sharp, which is not installed or does not load (${(error as Error).message.split('\n')[0]}); get it with: npm install sharp`,
    )
  }
}
