import { expect, test } from 'vitest'
import { tuningStore } from './tuning-store.js'

test("keeps tables in the page's private files", async () => {
  const store = tuningStore()!
  expect(store.place).toBe("the page's private files, learngene/webgpu")
  const name = `${Math.random()}.json`
  expect(await store.read(name)).toBeUndefined()
  await store.update(name, (kept) => `${kept}, which is longer than two`)
  await store.update(name, () => 'two')
  expect(await store.read(name)).toBe('two')
})

test('an empty file, which a page leaves that is closed while it writes, holds nothing', async () => {
  const name = `${Math.random()}.json`
  const root = await navigator.storage.getDirectory()
  const folder = await (await root.getDirectoryHandle('learngene', { create: true })).getDirectoryHandle('webgpu', { create: true })
  await folder.getFileHandle(name, { create: true })
  expect(await tuningStore()!.read(name)).toBeUndefined()
})

test('those who write at the same time wait for each other', async () => {
  const name = `${Math.random()}.json`
  await Promise.all(['a', 'b', 'c'].map((letter) => tuningStore()!.update(name, (kept = '') => kept + letter)))
  expect((await tuningStore()!.read(name))!.length).toBe(3)
})
