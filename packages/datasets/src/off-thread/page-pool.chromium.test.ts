import type { Preprocessing } from '@learngene/interfaces'
import { expect, it, vi } from 'vitest'
import golden from '../preprocess/golden.json' with { type: 'json' }
import { decodeInPage, pagePool } from './page-pool.js'
import { picturePool } from './pool.js'
import { type PictureTask, preparePicture } from './prepare.js'

const preparation: Preprocessing = {
  size: [8, 8],
  crop: 'center',
  cropPct: 0.9,
  interpolation: 'bicubic',
  mean: [0.5, 0.5, 0.5],
  std: [1, 1, 1],
}
const { file } = golden.decode.find(({ name }) => name === 'a JPEG file of orientation 6, applied')!
const bytes = Uint8Array.from(atob(file), (char) => char.charCodeAt(0))
const tasks: readonly PictureTask[] = [
  { from: { bytes, options: {} }, preparation },
  { from: { bytes, options: { exifOrientation: false } }, preparation: { mean: [0], std: [1] } },
  {
    from: { bytes, options: {} },
    preparation,
    augment: { randomResizedCrop: {}, flip: true, randAugment: { layers: 3 } },
    seed: [1, 2, 3, 4],
  },
]

it('gives the pixels that the page itself gives, from a worker', async () => {
  const expected = await Promise.all(tasks.map((task) => preparePicture(task, decodeInPage)))
  const decoded = vi.spyOn(globalThis, 'createImageBitmap')
  expect(await Promise.all(tasks.map((task) => pagePool.run(task)))).toEqual(expected)
  expect(decoded).not.toHaveBeenCalled()
  decoded.mockRestore()
  await expect(pagePool.run({ from: { bytes: Uint8Array.of(1), options: {} }, preparation })).rejects.toThrow(
    'cannot be decoded as an image',
  )
})

it('does the work itself where a worker’s script cannot be loaded', async () => {
  const start = () => {
    const worker = new Worker(URL.createObjectURL(new Blob(['import "./nowhere.js"'], { type: 'text/javascript' })), { type: 'module' })
    return {
      post: (message: unknown) => worker.postMessage(message),
      listen(_: unknown, onFailure: () => void) {
        worker.onerror = onFailure
      },
      hold: () => {},
      terminate: () => worker.terminate(),
    }
  }
  const decode = vi.fn(decodeInPage)
  const found = await picturePool({ size: 1, start, decode }).run(tasks[0]!)
  expect(decode).toHaveBeenCalledOnce()
  expect(found).toEqual(await preparePicture(tasks[0]!, decodeInPage))
})
