import { decodeBlob, evaluationCrop, inChannels, normalise } from '@learngene/datasets'
import type { RawImage } from '@learngene/interfaces'
import { type Tensor4D, tensor4d } from '@tensorflow/tfjs-core'
import type { FamilyManifest } from '../family.js'
import type { GivenPicture, Pixels } from './messages.js'

export interface PreparedPicture {
  /** As the network takes it but for the normalisation. */
  readonly pixels: Pixels
  readonly inverted: boolean
  /** Whether inverting it makes sense: grey pictures of a family whose own have a dark background. */
  readonly invertible: boolean
}

/** Mean of a border, of 255, from which a background is bright. */
const BRIGHT = 128

/**
 * Decodes a picture and brings it to the network's size and channels, as the model's own preprocessing does it.
 *
 * @param invert undefined: where a family knows dark backgrounds and the picture has a bright one
 * @throws Error of one line where it is no picture
 */
export async function preparePicture(
  given: GivenPicture,
  family: FamilyManifest,
  base: string,
  invert?: boolean,
): Promise<PreparedPicture> {
  const { preprocessing } = family
  const channels = preprocessing.mean.length
  const decoded = inChannels(await decode(given, base), channels)
  const isPrepared = given.kind === 'sample'
  const framed = isPrepared ? decoded : evaluationCrop(decoded, preprocessing)
  const invertible = family.dark && channels === 1 && !isPrepared
  const inverted = invertible && (invert ?? borderOf(framed) > BRIGHT)
  const data = inverted ? framed.data.map((value) => 255 - value) : framed.data
  return { pixels: { data: new Uint8Array(data), height: framed.height, width: framed.width, channels }, inverted, invertible }
}

async function decode(given: GivenPicture, base: string): Promise<RawImage> {
  if (given.kind === 'frame') return pixelsOf(given.frame)
  if (given.kind === 'blob') return decodeBlob(given.blob)
  const response = await fetch(new URL(given.file, base))
  if (!response.ok) throw new Error(`the sample ${given.file} cannot be loaded: ${response.status}`)
  return decodeBlob(await response.blob())
}

/** The pixels of a camera's frame, which is freed. */
function pixelsOf(frame: ImageBitmap): RawImage {
  const { height, width } = frame
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (!context) throw new Error(`the browser gives no canvas of ${height} x ${width} pixels`)
  context.drawImage(frame, 0, 0)
  frame.close()
  const { data } = context.getImageData(0, 0, width, height)
  return { data: new Uint8Array(data.buffer), height, width, channels: 4 }
}

/** [1, height, width, channels], normalised. */
export function tensorOf({ data, height, width, channels }: Pixels, { preprocessing }: FamilyManifest): Tensor4D {
  return tensor4d(normalise(data, preprocessing), [1, height, width, channels])
}

function borderOf({ data, height, width }: RawImage): number {
  let sum = 0
  for (let x = 0; x < width; x++) sum += data[x]! + data[(height - 1) * width + x]!
  for (let y = 0; y < height; y++) sum += data[y * width]! + data[y * width + width - 1]!
  return sum / (2 * (width + height))
}
