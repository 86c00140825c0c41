import sharp from 'sharp'
import { expect, it } from 'vitest'
import { decodeImage } from './decode-image.js'
import { readOrientation, turnUpright } from './exif.js'

/** Where each of 8 orientations of EXIF puts the pixel of row y and column x of a stored picture, height x width: [row, column] of the upright one. */
const upright: readonly ((y: number, x: number, height: number, width: number) => readonly [number, number])[] = [
  (y, x) => [y, x],
  (y, x, _, width) => [y, width - 1 - x],
  (y, x, height, width) => [height - 1 - y, width - 1 - x],
  (y, x, height) => [height - 1 - y, x],
  (y, x) => [x, y],
  (y, x, height) => [x, height - 1 - y],
  (y, x, height, width) => [width - 1 - x, height - 1 - y],
  (y, x, _, width) => [width - 1 - x, y],
]

it.each(upright.map((place, i) => [i + 1, place] as const))('turns a photograph of orientation %i upright', async (orientation, place) => {
  const [height, width] = [24, 16]
  const data = Uint8Array.from({ length: height * width * 3 }, (_, i) => 10 * Math.floor(i / 3 / width) + (i % 3))
  for (const format of ['jpeg', 'png', 'webp', 'tiff'] as const) {
    const encoded = sharp(data, { raw: { height, width, channels: 3 } }).toFormat(format)
    const file = await encoded.withMetadata({ orientation }).toBuffer()
    const stored = await decodeImage(file, { exifOrientation: false })
    expect([stored.height, stored.width]).toEqual([height, width])
    const turned = await decodeImage(file)
    const isOnItsSide = orientation > 4
    expect([turned.height, turned.width]).toEqual(isOnItsSide ? [width, height] : [height, width])
    const expected = new Uint8Array(data.length)
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const [row, column] = place(y, x, height, width)
        const pixel = stored.data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)
        expected.set(pixel, (row * turned.width + column) * 3)
      }
    }
    expect(turned.data).toEqual(expected)
    if (format === 'tiff') continue // browsers decode none
    expect(turnUpright(stored, orientation)).toEqual(turned)
    const { orientation: found, rest } = readOrientation(file)
    expect(found).toBe(orientation)
    expect(await decodeImage(Buffer.concat(rest))).toEqual(stored)
  }
})

const photograph = async (format: 'jpeg' | 'png' | 'webp') => {
  const plain = sharp({ create: { width: 5, height: 3, channels: 3, background: 'red' } }).toFormat(format)
  return { plain: await plain.toBuffer(), turned: await plain.withMetadata({ orientation: 6 }).toBuffer() }
}

it.each(['jpeg', 'png', 'webp'] as const)('leaves a %s file without a note as it is, and survives a damaged one', async (format) => {
  const { plain, turned } = await photograph(format)
  expect(readOrientation(plain)).toEqual({ orientation: 1, rest: [plain] })
  const tiff =
    turned.indexOf(Buffer.from([0x4d, 0x4d, 0, 42])) >= 0 ? turned.indexOf('MM') : turned.indexOf(Buffer.from([0x49, 0x49, 42, 0]))
  expect(tiff).toBeGreaterThan(0)
  for (let at = tiff; at < tiff + 26; at++) {
    for (const byte of [0, 255]) expect(readOrientation(turned.fill(byte, at, at + 1)).orientation).toBeLessThan(9)
  }
  for (let length = 0; length < turned.length; length++) readOrientation(turned.subarray(0, length))
})

it('reads both orders of bytes', () => {
  const exif = (header: number[], tag: number[], value: number[]) =>
    Uint8Array.of(0xff, 0xd8, 0xff, 0xe1, 0, 34, 69, 120, 105, 102, 0, 0, ...header, ...tag, ...value, 0, 0, 0, 0, 0, 0)
  const big = exif([77, 77, 0, 42, 0, 0, 0, 8, 0, 1], [1, 0x12, 0, 3, 0, 0, 0, 1], [0, 8])
  const little = exif([73, 73, 42, 0, 8, 0, 0, 0, 1, 0], [0x12, 1, 3, 0, 1, 0, 0, 0], [5, 0])
  expect([big, little].map((file) => readOrientation(file).orientation)).toEqual([8, 5])
})

it('takes other files as they are', () => {
  for (const file of [new Uint8Array(0), Uint8Array.of(1, 2, 3), new TextEncoder().encode('RIFF....AVI ')]) {
    expect(readOrientation(file)).toEqual({ orientation: 1, rest: [file] })
  }
})
