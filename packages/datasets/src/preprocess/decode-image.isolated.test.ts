import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canLoseRights, withoutRights } from '@learngene/testing/without-rights'
import { afterEach, expect, it, vi } from 'vitest'
import { decodeImage } from './decode-image.js'
import golden from './golden.json' with { type: 'json' }

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))

afterEach(() => {
  vi.doUnmock('sharp')
  vi.resetModules()
})

it.each(golden.decode.map((entry) => [entry.name, entry] as const))(
  'decodes %s as Pillow does',
  async (_, { file, base64, size, exifOrientation }) => {
    const [height, width] = size as [number, number]
    expect(await decodeImage(bytes(file), { exifOrientation })).toEqual({ data: bytes(base64), height, width, channels: 3 })
  },
)

it('applies the EXIF orientation unless told otherwise', async () => {
  const { file, base64 } = golden.decode.find(({ name }) => name.includes('orientation 6') && name.includes('applied'))!
  expect((await decodeImage(bytes(file))).data).toEqual(bytes(base64))
})

it('takes the upper 8 of 16 bits, of grey, where Pillow clips, as of colours', async () => {
  const { file, upper } = golden.grey16
  const { data } = await decodeImage(bytes(file))
  expect(data.filter((_, i) => i % 3 === 0)).toEqual(bytes(upper))
  expect(data.filter((_, i) => i % 3 === 2)).toEqual(bytes(upper))
})

it('refuses a JPEG file that is cut off, as Pillow does', async () => {
  const { file } = golden.decode.find(({ name }) => name === 'a JPEG file')!
  await expect(decodeImage(bytes(file).subarray(0, -60))).rejects.toThrow(/bytes: cannot be decoded as an image \(.*premature end/)
})

it('decodes a file by its path, and names it where it is missing or damaged', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'decode-image-'))
  try {
    const { file, base64 } = golden.decode[0]!
    const path = join(dir, 'image.png')
    await writeFile(path, bytes(file))
    expect((await decodeImage(path)).data).toEqual(bytes(base64))
    await writeFile(path, bytes(file).subarray(0, 60))
    await expect(decodeImage(path)).rejects.toThrow(`${path}: cannot be decoded as an image (`)
    await writeFile(path, '')
    await expect(decodeImage(path)).rejects.toThrow(`${path}: cannot be decoded as an image (`)
    await expect(decodeImage(join(dir, 'none.png'))).rejects.toThrow(`${join(dir, 'none.png')}: cannot be read (ENOENT)`)
    await expect(decodeImage(dir)).rejects.toThrow(`${dir}: cannot be read (EISDIR)`)
  } finally {
    await rm(dir, { recursive: true })
  }
})

it.skipIf(!canLoseRights)('says that a file may not be read', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'decode-image-'))
  try {
    await chmod(dir, 0o755)
    const path = join(dir, 'locked.png')
    await writeFile(path, bytes(golden.decode[0]!.file), { mode: 0 })
    await withoutRights(() => expect(decodeImage(path)).rejects.toThrow(`${path}: cannot be read (EACCES)`))
  } finally {
    await rm(dir, { recursive: true })
  }
})

it('says what bytes are not an image', async () => {
  await expect(decodeImage(Uint8Array.of(1, 2, 3))).rejects.toThrow(/^image of 3 bytes: cannot be decoded as an image \(.+\)$/)
})

it('says how to get sharp where it is missing', async () => {
  vi.resetModules()
  vi.doMock('sharp', () => {
    throw new Error("Cannot find package 'sharp'")
  })
  const fresh = await import('./decode-image.js')
  await expect(fresh.decodeImage(Uint8Array.of(1))).rejects.toThrow(
    /^decodeImage needs the package sharp, .*; get it with: npm install sharp$/,
  )
})
