import { expect, test } from 'vitest'
import { tuningStore } from './tuning-store.js'

test("keeps tables in the page's private files", async () => {
  const store = tuningStore()!
  expect(store.place).toBe("the page's private files, learngene/webgpu")
  const name = `${Math.random()}.json`
  expect(await store.read(name)).toBeUndefined()
  await store.write(name, 'one, which is longer')
  await store.write(name, 'two')
  expect(await store.read(name)).toBe('two')
})
