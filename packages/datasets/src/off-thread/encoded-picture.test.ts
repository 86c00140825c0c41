import { crc32 } from 'node:zlib'
import { expect, it } from 'vitest'
import { decodeImage } from '../preprocess/decode-image.js'
import { evaluationCrop } from '../preprocess/evaluation-transform.js'
import golden from '../preprocess/golden.json' with { type: 'json' }
import { prepareEncoded, readPictureHeader } from './encoded-picture.js'

const turned = golden.decode.find(({ name }) => name === 'a JPEG file of orientation 6, applied')!
const bytes = new Uint8Array(Buffer.from(turned.file, 'base64'))
const normalisation = { mean: [0.5, 0.5, 0.5], std: [1, 1, 1] }
const preprocessing = { ...normalisation, size: [8, 8], crop: 'center', cropPct: 0.9, interpolation: 'bicubic' } as const

it('reads format and upright size without decoding', async () => {
  const [height, width] = turned.size as [number, number]
  expect(await readPictureHeader(bytes)).toEqual({ format: 'jpeg', height, width })
  expect(height).not.toBe(width)
  // The header is whole, the pixels are not.
  expect(await readPictureHeader(bytes.subarray(0, -60))).toEqual({ format: 'jpeg', height, width })
})

it('reads the size of pictures that nobody decodes', async () => {
  const png = new Uint8Array(Buffer.from(golden.decode.find(({ name }) => name === 'a PNG file')!.file, 'base64'))
  const header = new DataView(png.buffer)
  header.setUint32(16, 60_000)
  header.setUint32(20, 50_000)
  header.setUint32(29, crc32(png.subarray(12, 29)))
  expect(await readPictureHeader(png)).toEqual({ format: 'png', height: 50_000, width: 60_000 })
  await expect(prepareEncoded(png, preprocessing)).rejects.toThrow('cannot be decoded as an image (Input image exceeds pixel limit)')
})

it.each([
  ['nothing', new Uint8Array()],
  ['text', new TextEncoder().encode('a text')],
])('refuses %s in one line', async (_, bytes) => {
  await expect(readPictureHeader(bytes)).rejects.toThrow(
    new RegExp(`^image of ${bytes.length} bytes: is no image that can be read \\([^\n]+\\)$`),
  )
})

it('gives the pixels that decoding and cropping give', async () => {
  const decoded = await decodeImage(bytes)
  expect(await prepareEncoded(bytes, preprocessing)).toEqual(evaluationCrop(decoded, preprocessing))
  expect(await prepareEncoded(bytes, normalisation)).toEqual(decoded)
  await expect(prepareEncoded(bytes.subarray(0, -60), preprocessing)).rejects.toThrow('cannot be decoded as an image')
})
