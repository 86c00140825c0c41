import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
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
  await store.update('a.json', (kept) => `${kept}, one`)
  await store.update('a.json', (kept) => `${kept}, two`)
  expect(await store.read('a.json')).toBe('undefined, one, two')
  expect(await readdir(store.place)).toEqual(['a.json'])
})

test('what cannot be written leaves the earlier file and nothing beside it', async () => {
  const store = folderStore(folder)
  await store.update('a.json', () => 'one')
  await expect(store.update('a.json', () => undefined as unknown as string)).rejects.toThrow()
  expect(await readdir(folder)).toEqual(['a.json'])
  expect(await readFile(join(folder, 'a.json'), 'utf8')).toBe('one')
})

test('an empty file, or a folder that is none, holds nothing', async () => {
  await writeFile(join(folder, 'a.json'), '')
  expect(await folderStore(folder).read('a.json')).toBeUndefined()
  expect(await folderStore(join(folder, 'a.json', 'learngene')).read('a.json')).toBeUndefined()
  await expect(folderStore(join(folder, 'a.json', 'learngene')).update('a.json', () => 'one')).rejects.toThrow(/ENOTDIR|EEXIST/)
  await expect(folderStore(folder).read('.')).rejects.toThrow('EISDIR')
})

test('those who write at the same time wait for each other: none is lost', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `${i}`)
  await Promise.all(names.map((name) => folderStore(folder).update('a.json', (kept = '') => `${kept}${name};`)))
  const kept = await readFile(join(folder, 'a.json'), 'utf8')
  expect(kept.split(';').filter(Boolean).toSorted()).toEqual(names.toSorted())
  expect(await readdir(folder)).toEqual(['a.json'])
})

test('the lock of a process that was killed holds nobody up', async () => {
  const lock = join(folder, '.a.json.lock')
  await writeFile(lock, '')
  const before = Date.now() / 1000 - 60
  await utimes(lock, before, before)
  await folderStore(folder).update('a.json', () => 'one')
  expect(await readdir(folder)).toEqual(['a.json'])
})

test.skipIf(missing !== undefined)('a table that may not be read is left alone, with one line that says so', async () => {
  await useBackend('webgpu')
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  try {
    const read = () => Promise.reject(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }))
    expect(await useStoredTuning({ ...folderStore(folder), read })).toBe(false)
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/are not used: EACCES: permission denied; give this user the right to read/)]])
  } finally {
    warn.mockRestore()
  }
})

test.skipIf(missing !== undefined)('a damaged table is left alone, with one line that says so', async () => {
  await useBackend('webgpu')
  const { tuningFile } = await import('@learngene/ops/webgpu')
  const store = folderStore(folder)
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  try {
    expect(await useStoredTuning(store)).toBe(false)
    expect(warn).not.toHaveBeenCalled()
    await writeFile(join(folder, tuningFile()), '')
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
