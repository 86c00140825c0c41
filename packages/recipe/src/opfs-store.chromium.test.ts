import { describe, expect, it } from 'vitest'
import { opfsMetrics } from './opfs-metrics.js'
import { opfsStore } from './opfs-store.js'
import { describeStore } from './store.fixture.js'

const root = await navigator.storage.getDirectory()
let count = 0
const folder = () => root.getDirectoryHandle(`run-${count}`, { create: true })

describeStore(
  async () => {
    count++
    return opfsStore(await folder())
  },
  async () => opfsStore(await folder()),
)

it('keeps numbers when they are flushed, each step once', async () => {
  const run = await root.getDirectoryHandle('metrics', { create: true })
  const log = opfsMetrics(run)
  for (const step of [1, 2, 3]) log.add({ stage: 'tune', step, values: { loss: 1 / step } })
  await log.flush()
  const again = opfsMetrics(run)
  expect((await again.read()).map(({ step, values }) => [step, values.loss])).toEqual([1, 2, 3].map((step) => [step, 1 / step]))
  await again.rewind('tune', 2)
  again.add({ stage: 'tune', step: 3, values: { loss: 0 } })
  expect((await again.read()).map(({ values }) => values.loss)).toEqual([1, 0.5, 0])
})

describe('what is damaged', () => {
  const key = 'a'.repeat(64)
  const artifact = async () => {
    count++
    const store = opfsStore(await folder())
    await store.write('pool', key, { weights: Uint8Array.of(1, 2, 3) }, {})
    const files = await (await folder()).getDirectoryHandle('pool')
    const [name] = Object.values((await store.read('pool')).manifest.files).map((entry) => entry.sha256)
    return { store, files, name: name! }
  }
  const overwrite = async (files: FileSystemDirectoryHandle, name: string, text: string) => {
    const file = await (await files.getFileHandle(name)).createWritable()
    await file.write(text)
    await file.close()
  }

  it('counts as absent: a missing file, a shorter one, half a manifest', async () => {
    const { store, files, name } = await artifact()
    await overwrite(files, name, 'xx')
    expect(await store.find('pool')).toMatchObject({ problem: expect.stringMatching(/pool\/weights must have 3 bytes; it has 2$/) })
    await overwrite(files, name, 'xxx')
    await expect((await store.read('pool')).read('weights')).rejects.toThrow('must have the hash')
    await files.removeEntry(name)
    expect(await store.find('pool')).toMatchObject({ problem: expect.stringMatching(/pool\/weights is missing$/) })
    await overwrite(files, 'artifact.json', '{"schema": 1')
    expect(await store.find('pool')).toMatchObject({ problem: expect.stringMatching(/is damaged and counts as absent: it must be JSON/) })
    expect(await store.list()).toEqual([])
  })

  it('a write that breaks off before its manifest leaves the earlier artifact, and the next clears up', async () => {
    const { store, files } = await artifact()
    const original = files.constructor.prototype.getFileHandle
    files.constructor.prototype.getFileHandle = function (this: unknown, name: string, options?: { create?: boolean }) {
      if (name === 'artifact.json' && options?.create) throw new DOMException('full', 'QuotaExceededError')
      return original.call(this, name, options)
    }
    try {
      await expect(store.write('pool', key, { weights: Uint8Array.of(4) }, {})).rejects.toThrow(
        /pool: the space that the browser gives this page is used up; [^\n]+$/,
      )
    } finally {
      files.constructor.prototype.getFileHandle = original
    }
    expect(await (await store.read('pool')).read('weights')).toEqual(Uint8Array.of(1, 2, 3))
    await store.write('pool', key, { weights: Uint8Array.of(5) }, {})
    const names: string[] = []
    for await (const name of (files as unknown as { keys(): AsyncIterable<string> }).keys()) names.push(name)
    expect(names).toHaveLength(2)
  })
})
