import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linear } from '@learngene/ops'
import { ones, tidy } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { useBackend } from '../use-backend.js'
import { webgpu } from './starter.js'
import { useStoredTuning } from './stored-tuning.js'
import { tune } from './tune.js'
import { folderStore } from './tuning-store.js'

const missing = await webgpu.start({}).then(
  () => undefined,
  (error: Error) => error.message,
)

const step = (rows: number) => () => tidy(() => void linear(ones([rows, 8]), ones([12, 8]), ones([12])))

describe.skipIf(missing !== undefined)(`on a device${missing ? ` (${missing})` : ''}`, () => {
  let cache: string
  beforeAll(async () => {
    cache = await mkdtemp(join(tmpdir(), 'learngene-cache-'))
    vi.stubEnv('XDG_CACHE_HOME', cache)
    await useBackend('webgpu')
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await rm(cache, { recursive: true })
  })

  test('keeps what it measures, beside what was measured earlier, and it is found again', async () => {
    const first = await tune(step(5), { seconds: 60 })
    expect(first).toMatchObject({ shapes: 1, file: expect.stringContaining(join(cache, 'learngene', 'webgpu')) })
    await tune(step(6), { seconds: 60 })
    const store = folderStore(join(cache, 'learngene', 'webgpu'))
    const table = JSON.parse((await store.read(first.file!.split('/').at(-1)!))!)
    expect(Object.keys(table.plans)).toEqual(['f32 depth depth 5x12x8', 'f32 depth depth 6x12x8'])
    expect(await useStoredTuning(store)).toBe(true)
    expect((await tune(step(6), { onlyNew: true })).plans).toEqual({})
  })

  test('is of the webgpu backend alone', async () => {
    await useBackend('cpu')
    await expect(tune(step(5))).rejects.toThrow('plans are those of the webgpu backend; the current one is cpu')
  })
})
