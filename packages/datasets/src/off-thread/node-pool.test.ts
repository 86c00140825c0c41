import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import type { Preprocessing } from '@learngene/interfaces'
import { bundle } from '@learngene/testing/bundle'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import golden from '../preprocess/golden.json' with { type: 'json' }
import { decodeInNode, nodePool as poolOfSources } from './node-pool.js'
import type { PicturePool } from './pool.js'
import { type PictureTask, preparePicture } from './prepare.js'

const preparation: Preprocessing = {
  size: [8, 8],
  crop: 'center',
  cropPct: 0.9,
  interpolation: 'bicubic',
  mean: [0.5, 0.5, 0.5],
  std: [1, 1, 1],
}
const file = golden.decode.find(({ name }) => name === 'a JPEG file of orientation 6, applied')!.file
const bytes = new Uint8Array(Buffer.from(file, 'base64'))
const seed = [1, 2, 3, 4] as const

let built: URL
let dir: string
let pool: PicturePool
beforeAll(async () => {
  built = await bundle(import.meta.url, ['../index', '../node', 'node-pool', 'node-worker'])
  dir = await mkdtemp(join(tmpdir(), 'node-pool-'))
  for (const name of ['cat', 'dog']) {
    await mkdir(join(dir, name))
    for (let i = 0; i < 4; i++) await writeFile(join(dir, name, `${i}.jpg`), bytes)
  }
  pool = (await import(new URL('node-pool.js', built).href)).nodePool
})
afterAll(async () => {
  await rm(built, { recursive: true })
  await rm(dir, { recursive: true })
})

const framed = { data: Uint8Array.from({ length: 8 * 8 * 3 }, (_, i) => i), height: 8, width: 8, channels: 3 }
const tasks: { readonly [name: string]: () => PictureTask } = {
  'a file': () => ({ from: { path: join(dir, 'cat', '0.jpg'), options: {} }, preparation }),
  'a file as it is stored': () => ({
    from: { path: join(dir, 'cat', '0.jpg'), options: { exifOrientation: false } },
    preparation: { mean: [0], std: [1] },
  }),
  'bytes that are a part of others': () => ({
    from: { bytes: Buffer.concat([Buffer.alloc(5), bytes]).subarray(5), options: {} },
    preparation,
  }),
  'an augmented file': () => ({
    from: { path: join(dir, 'cat', '0.jpg'), options: {} },
    preparation,
    augment: { randomResizedCrop: {}, flip: true, shift: 2, randAugment: { layers: 3 } },
    seed,
  }),
  'a framed picture': () => ({ from: { framed }, preparation, augment: { randAugment: {} }, seed }),
}

it.each(Object.entries(tasks))('gives the pixels of %s that the calling thread gives, from another', async (_, task) => {
  const expected = await preparePicture(task(), decodeInNode)
  const [decoded, posted] = [vi.fn(), vi.spyOn(Worker.prototype, 'postMessage')]
  sharp.queue.on('change', decoded)
  expect(await pool.run(task())).toEqual(expected)
  sharp.queue.off('change', decoded)
  expect([posted.mock.calls.length, decoded.mock.calls.length]).toEqual([1, 0])
  posted.mockRestore()
  expect(await poolOfSources.run(task())).toEqual(expected)
  expect(framed.data).toHaveLength(192)
})

it('names the file that cannot be read or decoded', async () => {
  const task = (path: string) => ({ from: { path, options: {} }, preparation })
  const [missing, damaged] = [join(dir, 'none.jpg'), join(dir, 'damaged.jpg')]
  await writeFile(damaged, 'no picture')
  await expect(pool.run(task(missing))).rejects.toThrow(`${missing}: cannot be read (ENOENT)`)
  await expect(pool.run(task(damaged))).rejects.toThrow(`${damaged}: cannot be decoded as an image (`)
})

it('keeps a process alive while pictures are prepared, and not longer', async () => {
  const program = `
    import '@tensorflow/tfjs-backend-cpu'
    import { imageSource, subset } from ${JSON.stringify(new URL('index.js', built).href)}
    import { imageFolder } from ${JSON.stringify(new URL('node.js', built).href)}
    const folder = await imageFolder(${JSON.stringify(dir)})
    const source = imageSource(subset(folder, [7, 0]), ${JSON.stringify(preparation)})
    for (let epoch = 0; epoch < 2; epoch++) {
      const { images, targets } = await source.batch([0, 1])
      console.log(JSON.stringify([images.shape, await targets.array(), (await images.data()).reduce((sum, x) => sum + x, 0)]))
    }
    await source.batch([0], { signal: AbortSignal.abort(new Error('enough')) }).catch((error) => console.log(error.message))
  `
  const script = join(built.pathname, 'program.mjs')
  await writeFile(script, program)
  const start = performance.now()
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 120_000 })
  const lines = stdout
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('[[') || line === 'enough')
  expect(lines).toHaveLength(3)
  expect(lines[0]).toContain('[[2,8,8,3],[[0,1],[1,0]],')
  expect(lines.slice(1)).toEqual([lines[0], 'enough'])
  expect(performance.now() - start).toBeLessThan(110_000)
})
