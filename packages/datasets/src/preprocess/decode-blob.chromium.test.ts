import { expect, it } from 'vitest'
import { decodeBlob } from './decode-blob.js'
import golden from './golden.json' with { type: 'json' }

const bytes = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))

/** The browser converts CMYK by a way of its own, rounds the colours of transparent pixels, and may refuse what is damaged. */
const same = golden.decode.filter(({ name }) => !/CMYK|YCCK|transparency|damaged|TIFF/.test(name))

it.each(same.map((entry) => [entry.name, entry] as const))(
  'decodes %s as Pillow does, and as Node does',
  async (_, { file, base64, size, exifOrientation }) => {
    const decoded = await decodeBlob(new Blob([bytes(file)]), { exifOrientation })
    const [height, width] = size as [number, number]
    expect(decoded).toEqual({ data: bytes(base64), height, width, channels: 3 })
  },
)

it('applies the EXIF orientation unless told otherwise', async () => {
  const { file, base64 } = golden.decode.find(({ name }) => name === 'a JPEG file of orientation 6, applied')!
  expect((await decodeBlob(new Blob([bytes(file)]))).data).toEqual(bytes(base64))
})
