import type { Preprocessing, RawImage } from '@learngene/interfaces'
import type { Normalisation } from '../normalise.js'
import { importSharp } from '../preprocess/decode-image.js'
import { nodePool } from './node-pool.js'

/** What an encoded picture says of itself before it is decoded. */
export interface PictureHeader {
  /** `jpeg`, `png`, `webp`, `gif`, `tiff`, `heif` (AVIF among them), `svg` and what else sharp reads. */
  readonly format: string
  /** Upright: after the rotation that a camera noted. */
  readonly height: number
  readonly width: number
}

/**
 * Reads the header of an encoded picture, however large the picture is; nothing is decoded.
 *
 * @throws one line where the bytes are no picture of a known format, or sharp is missing
 */
export const readPictureHeader = async (bytes: Uint8Array): Promise<PictureHeader> => {
  const sharp = await importSharp()
  try {
    // Whoever decodes has a limit of his own; how large a picture is must be known of any.
    const { format, autoOrient } = await sharp(bytes, { limitInputPixels: false }).metadata()
    return { format: String(format), height: autoOrient.height, width: autoOrient.width }
  } catch (error) {
    throw new Error(
      `image of ${bytes.length} bytes: is no image that can be read (${(error as Error).message.split('\n')[0]!.replace(/:$/, '')})`,
    )
  }
}

/**
 * Decodes a picture as `decodeImage` does and brings it to the channels, and with a `Preprocessing` to the size, that a network takes, on a worker thread of this process where one
 * can be started.
 *
 * @throws one line where it cannot be decoded, or has not the size that the preprocessing takes
 */
export const prepareEncoded = async (bytes: Uint8Array, preparation: Normalisation | Preprocessing): Promise<RawImage> =>
  (await nodePool.run({ from: { bytes, options: {} }, preparation })).image
