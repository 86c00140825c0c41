import type { RawImage } from '@learngene/interfaces'

/** A file's orientation by its EXIF data (tag 0x0112), 1 where there is none, and the file without that data. */
export interface FileOrientation {
  readonly orientation: number
  /** The bytes of the file, in which no decoder finds an orientation. */
  readonly rest: readonly Uint8Array[]
}

/**
 * Finds the orientation that a camera noted in a JPEG, PNG or WebP file. Browsers differ in which files they turn, and some turn images even where `imageOrientation` is
 * 'none': without the note all of them do the same.
 */
export const readOrientation = (file: Uint8Array): FileOrientation => {
  const place = starts(file, 0xff, 0xd8) ? findInJpeg(file) : starts(file, 0x89, 0x50) ? findInPng(file) : findInWebp(file)
  const orientation = place ? orientationAt(file, place.tiff) : 1
  return { orientation, rest: place && orientation > 1 ? place.rest() : [file] }
}

/** The image as it is seen upright; the image itself where the orientation is 1. */
export const turnUpright = (image: RawImage, orientation: number): RawImage => {
  if (orientation === 1) return image
  const { data, height, width, channels } = image
  const isOnItsSide = orientation > 4
  const upright = isOnItsSide ? { height: width, width: height, channels } : { height, width, channels }
  // Where the first pixel goes, and how far the next row's and the next column's go from there, in pixels.
  const [down, right] = isOnItsSide ? [1, upright.width] : [upright.width, 1]
  const [isRowMirrored, isColumnMirrored] = [[3, 4, 6, 7].includes(orientation), [2, 3, 7, 8].includes(orientation)]
  const first = (isRowMirrored ? (height - 1) * down : 0) + (isColumnMirrored ? (width - 1) * right : 0)
  const turned = new Uint8Array(data.length)
  for (let y = 0, from = 0; y < height; y++) {
    const row = first + (isRowMirrored ? -y : y) * down
    for (let x = 0; x < width; x++) {
      const to = (row + (isColumnMirrored ? -x : x) * right) * channels
      for (let c = 0; c < channels; c++) turned[to + c] = data[from++]!
    }
  }
  return { ...upright, data: turned }
}

interface Place {
  /** Where the EXIF data begin, with the header of a TIFF file. */
  readonly tiff: number
  readonly rest: () => readonly Uint8Array[]
}

const starts = (file: Uint8Array, ...bytes: readonly number[]): boolean => bytes.every((byte, i) => file[i] === byte)

const text = (file: Uint8Array, at: number): string => String.fromCharCode(...file.subarray(at, at + 4))

const withByte = (file: Uint8Array, at: number): readonly Uint8Array[] => {
  const changed = file.slice()
  changed[at] = 0
  return [changed]
}

/** Segments are 0xff, a marker and a length of two bytes; after 0xda comes the image. */
const findInJpeg = (file: Uint8Array): Place | undefined => {
  for (let at = 2; file[at] === 0xff && file[at + 1] !== 0xda; at += 2 + 256 * file[at + 2]! + file[at + 3]!) {
    if (file[at + 1] === 0xe1 && text(file, at + 4) === 'Exif') return { tiff: at + 10, rest: () => withByte(file, at + 4) }
  }
  return undefined
}

/** Chunks are a length of four bytes, a name, the data and a checksum. */
const findInPng = (file: Uint8Array): Place | undefined => {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  for (let at = 8; at + 12 <= file.length; at += 12 + view.getUint32(at)) {
    const end = at + 12 + view.getUint32(at)
    if (text(file, at + 4) === 'eXIf') return { tiff: at + 8, rest: () => [file.subarray(0, at), file.subarray(end)] }
  }
  return undefined
}

/** Chunks are a name, a length of four bytes, lower ones first, and data padded to an even length. */
const findInWebp = (file: Uint8Array): Place | undefined => {
  if (text(file, 0) !== 'RIFF' || text(file, 8) !== 'WEBP') return undefined
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  for (let at = 12; at + 8 <= file.length; ) {
    const length = view.getUint32(at + 4, true)
    // Some writers put the marker of JPEG before it.
    if (text(file, at) === 'EXIF') return { tiff: at + 8 + (text(file, at + 8) === 'Exif' ? 6 : 0), rest: () => withByte(file, at) }
    at += 8 + length + (length % 2)
  }
  return undefined
}

/** Of EXIF data that are damaged: 1. */
const orientationAt = (file: Uint8Array, start: number): number => {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const isLittle = text(file, start).startsWith('II')
  if (start + 8 > file.length || (!isLittle && !text(file, start).startsWith('MM'))) return 1
  const directory = start + view.getUint32(start + 4, isLittle)
  if (directory + 2 > file.length) return 1
  const entries = view.getUint16(directory, isLittle)
  for (let at = directory + 2; at < directory + 2 + 12 * entries && at + 12 <= file.length; at += 12) {
    if (view.getUint16(at, isLittle) !== 0x0112) continue
    const orientation = view.getUint16(at + 8, isLittle)
    return orientation >= 1 && orientation <= 8 ? orientation : 1
  }
  return 1
}
