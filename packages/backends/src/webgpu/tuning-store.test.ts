import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useBackend } from '../use-backend.js'
import { webgpu } from './starter.js'
import { useStoredTuning } from './stored-tuning.js'
import { folderStore, tuningFolder } from './tuning-store.js'

const missing = await webgpu.start({}).then(
  () => undefined,
  (error: Error) => error.message,
)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'learngene-tuning-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('keeps tables beside the latency profiles', () => {
  expect(tuningFolder({ XDG_CACHE_HOME: '/cache' }, 'linux')).toBe('/cache/learngene/webgpu')
  expect(tuningFolder({ LOCALAPPDATA: '/local' }, 'win32')).toBe('/local/learngene/webgpu')
  expect(tuningFolder({}, 'darwin')).toMatch(/\.cache\/learngene\/webgpu$/)
})

test('gives back what was written, replaces it whole, and has nothing where nothing was written', async () => {
  const store = folderStore(join(folder, 'new', 'folders'))
  expect(await store.read('a.json')).toBeUndefined()
  await store.write('a.json', 'one')
  await store.write('a.json', 'two')
  expect(await store.read('a.json')).toBe('two')
  expect(await readdir(store.place)).toEqual(['a.json'])
})

test('what cannot be written leaves the earlier file and nothing beside it', async () => {
  const store = folderStore(folder)
  await store.write('a.json', 'one')
  await expect(store.write('a.json', undefined as unknown as string)).rejects.toThrow()
  expect(await readdir(folder)).toEqual(['a.json'])
  expect(await readFile(join(folder, 'a.json'), 'utf8')).toBe('one')
})

test.skipIf(missing !== undefined)('a damaged table is left alone, with one line that says so', async () => {
  await useBackend('webgpu')
  const { tuningFile } = await import('@learngene/ops/webgpu')
  const store = folderStore(folder)
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  try {
    expect(await useStoredTuning(store)).toBe(false)
    expect(warn).not.toHaveBeenCalled()
    await writeFile(join(folder, tuningFile()), '{"schema": 1, "ker')
    expect(await useStoredTuning(store)).toBe(false)
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(
          /^@learngene\/backends: the measured plans \S+ in \S+ are not used: it is damaged: it must be JSON; learngene tune/,
        ),
      ],
    ])
  } finally {
    warn.mockRestore()
  }
})
