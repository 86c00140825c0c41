import type { Preprocessing, RawImage } from '@learngene/interfaces'
import { type PictureAugmentation, pictureChange } from '../augment/augment.js'
import { drawsFrom, type Seed } from '../augment/draws.js'
import type { Normalisation } from '../normalise.js'
import { inChannels } from '../preprocess/channels.js'
import type { DecodeOptions } from '../preprocess/decode-image.js'
import { evaluationCrop } from '../preprocess/evaluation-transform.js'

/** Where an encoded picture is, as any thread can find it. */
export type PicturePlace = ({ readonly path: string } | { readonly bytes: Uint8Array }) & { readonly options: DecodeOptions }

/** All that is done to one picture, in plain values that travel between threads. */
export interface PictureTask {
  /** Encoded, or framed already. */
  readonly from: PicturePlace | { readonly framed: RawImage }
  readonly preparation: Normalisation | Preprocessing
  readonly augment?: PictureAugmentation
  /** Needed where it augments. */
  readonly seed?: Seed
}

export interface PreparedPicture {
  /** What the augmentation begins with, which a later epoch may begin with again. */
  readonly framed: RawImage
  readonly image: RawImage
}

export type DecodePlace = (place: PicturePlace) => Promise<RawImage>

/** Does a task on the thread that calls. */
export const preparePicture = async ({ from, preparation, augment, seed }: PictureTask, decode: DecodePlace): Promise<PreparedPicture> => {
  const framed = 'framed' in from ? from.framed : framing(preparation, augment)(await decode(from))
  const change = augment && seed && pictureChange(augment, preparation)
  return { framed, image: change ? change(framed, drawsFrom(seed)) : framed }
}

/** Brings a decoded picture to the channels and the size of all; `randomResizedCrop` begins with a picture in its own size. */
export const framing = (
  preparation: Normalisation | Preprocessing,
  augment: PictureAugmentation | undefined,
): ((image: RawImage) => RawImage) => {
  const channels = preparation.mean.length
  if (!('size' in preparation) || augment?.randomResizedCrop) return (image) => inChannels(image, channels)
  return (image) => evaluationCrop(inChannels(image, channels), preparation)
}
