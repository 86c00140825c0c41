import { afterEach, expect, it, vi } from 'vitest'
import { decodeBlob } from './decode-blob.js'
import { decodeImage } from './decode-image.js'
import golden from './golden.json' with { type: 'json' }

afterEach(() => vi.unstubAllGlobals())

/** Two pixels as a canvas would give them; the real one is tried in browsers. */
function stubCanvas({ decodes = true, hasContext = true } = {}) {
  const bitmap = { width: 2, height: 1, close: vi.fn() }
  const createImageBitmap = vi.fn(() =>
    decodes ? Promise.resolve(bitmap) : Promise.reject(new Error('The source image could not be decoded.')),
  )
  vi.stubGlobal('createImageBitmap', createImageBitmap)
  const context = { drawImage: vi.fn(), getImageData: () => ({ data: Uint8ClampedArray.of(1, 2, 3, 255, 4, 5, 6, 0) }) }
  const sizes: number[][] = []
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      constructor(width: number, height: number) {
        sizes.push([width, height])
      }
      getContext = () => (hasContext ? context : null)
    },
  )
  return { bitmap, context, createImageBitmap, sizes }
}

it('draws the bitmap in its own size, drops the transparency and frees the bitmap', async () => {
  const { bitmap, context, createImageBitmap, sizes } = stubCanvas()
  const blob = new Blob(['x'])
  expect(await decodeBlob(blob)).toEqual({ data: Uint8Array.of(1, 2, 3, 4, 5, 6), height: 1, width: 2, channels: 3 })
  expect(createImageBitmap).toHaveBeenCalledWith(blob, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' })
  expect(sizes).toEqual([[2, 1]])
  expect(context.drawImage).toHaveBeenCalledWith(bitmap, 0, 0)
  expect(bitmap.close).toHaveBeenCalledOnce()
})

it('takes the orientation from the file, not from the browser', async () => {
  const { createImageBitmap } = stubCanvas()
  const decode = async (file: string, exifOrientation?: boolean) => {
    const blob = new Blob([Buffer.from(file, 'base64')], { type: 'image/x' })
    const decoded = await decodeBlob(blob, { exifOrientation })
    const [given] = createImageBitmap.mock.lastCall as unknown as [Blob]
    return { decoded, isSame: given === blob, given: Buffer.from(await given.arrayBuffer()), type: given.type }
  }
  const fileOf = (name: string) => golden.decode.find((entry) => entry.name === name)!.file
  const turned = await decode(fileOf('a JPEG file of orientation 6'))
  expect([turned.decoded.height, turned.decoded.width, turned.type, turned.isSame]).toEqual([2, 1, 'image/x', false])
  expect((await decodeImage(turned.given)).width).toBe(17)
  const stored = await decode(fileOf('a JPEG file of orientation 6'), false)
  expect([stored.decoded.height, stored.decoded.width, (await decodeImage(stored.given)).width]).toEqual([1, 2, 17])
  expect((await decode(fileOf('a JPEG file of orientation 1, applied'))).isSame).toBe(true)
})

it('frees the bitmap where the browser gives no canvas', async () => {
  const { bitmap } = stubCanvas({ hasContext: false })
  await expect(decodeBlob(new Blob(['x'], { type: 'image/png' }))).rejects.toThrow(
    'image/png of 1 bytes: the browser gives no canvas of 1 x 2',
  )
  expect(bitmap.close).toHaveBeenCalledOnce()
})

it('names the file that the browser cannot decode', async () => {
  stubCanvas({ decodes: false })
  await expect(decodeBlob(new File(['x'], 'cat.jpg'))).rejects.toThrow(
    'cat.jpg: cannot be decoded as an image (The source image could not be decoded.)',
  )
})

it('points to the Node entry where there is no canvas', async () => {
  await expect(decodeBlob(new Blob(['x']))).rejects.toThrow("in Node use decodeImage of '@learngene/datasets/node'")
})
