import { rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { linear } from '@learngene/ops'
import { tuningFile } from '@learngene/ops/webgpu'
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

  test('keeps each plan as it is found, whatever ends it then', async () => {
    const controller = new AbortController()
    const onShape = (done: number) => done === 1 && controller.abort(new Error('enough'))
    const steps = [7, 9].map((rows, i) => ({ step: step(rows), times: 2 - i }))
    await expect(tune(steps, { seconds: 60, signal: controller.signal, onShape })).rejects.toThrow('enough')
    const text = (await folderStore(join(cache, 'learngene', 'webgpu')).read(tuningFile()))!
    expect(Object.keys(JSON.parse(text).plans)).toContain('f32 depth depth 7x12x8')
    expect(Object.keys(JSON.parse(text).plans)).not.toContain('f32 depth depth 9x12x8')
  })

  test('finding the products takes of its time', async () => {
    const slow = () => {
      step(10)()
      for (const end = performance.now() + 300; performance.now() < end; );
    }
    const { shapes, plans, findingSeconds } = await tune(slow, { seconds: 0.2 })
    expect({ shapes, plans }).toEqual({ shapes: 1, plans: {} })
    expect(findingSeconds).toBeGreaterThanOrEqual(0.3)
  })

  test('runs nothing where plans cannot be kept, and says why', async () => {
    const file = join(cache, 'file')
    await writeFile(file, '')
    vi.stubEnv('XDG_CACHE_HOME', file)
    const run = vi.fn(step(11))
    try {
      await expect(tune(run)).rejects.toThrow(/^measured plans cannot be kept in \S+: (ENOTDIR|EEXIST): .*; give this user the right/)
      expect(run).not.toHaveBeenCalled()
    } finally {
      vi.stubEnv('XDG_CACHE_HOME', cache)
    }
  })

  test('gives what was measured where it can be kept no longer', async () => {
    const other = join(cache, 'other')
    vi.stubEnv('XDG_CACHE_HOME', other)
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    try {
      const broken = () => {
        step(13)()
        rmSync(join(other, 'learngene'), { recursive: true })
        writeFileSync(join(other, 'learngene'), '')
      }
      const { plans, file } = await tune(broken, { seconds: 60 })
      expect([Object.keys(plans), file]).toEqual([['f32 depth depth 13x12x8'], null])
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/^@learngene\/backends: measured plans cannot be kept in .*(ENOTDIR|EEXIST)/)],
      ])
    } finally {
      warn.mockRestore()
      vi.stubEnv('XDG_CACHE_HOME', cache)
    }
  })

  test('is of the webgpu backend alone', async () => {
    await useBackend('cpu')
    await expect(tune(step(5))).rejects.toThrow('plans are those of the webgpu backend; the current one is cpu')
  })
})
