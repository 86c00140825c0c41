import { arrayDataset } from '@learngene/datasets'
import { startBackend } from '@learngene/testing'
import { expect, it } from 'vitest'
import { memoryStore } from './memory-store.js'
import { opfsStore } from './opfs-store.js'
import type { Recipe } from './recipe.js'
import { run, status } from './run.js'

const length = 60
const labels = Uint8Array.from({ length }, (_, i) => i % 3)
const isBright = (pixel: number, label: number) => Math.floor((pixel % 64) / 22) === label
const pixels = Uint8Array.from({ length: 64 * length }, (_, k) => ((k * 7919) % 60) + (isBright(k, labels[k >> 6]!) ? 150 : 0))
const plan = { batchSize: 12, learningRate: 3e-3 }
const recipe: Recipe = {
  ancestor: { width: 12, depth: 2, heads: 2, patchSize: 4, imageSize: [8, 8], channels: 1, training: { ...plan, epochs: 3 } },
  data: { training: arrayDataset({ name: 'thirds', imageShape: [8, 8, 1], classes: ['top', 'middle', 'bottom'], pixels, labels }) },
  tiers: [{ width: 6, epochs: 2 }],
  distillation: plan,
  fineTuning: { ...plan, epochs: 1 },
  space: { kind: 'aligned', stride: 1 },
}

it("runs in a page, interrupted and resumed in the origin's private file system as at one go in memory", async () => {
  await startBackend('wasm')
  const whole = await run(recipe, { store: memoryStore() })
  const root = await navigator.storage.getDirectory()
  const store = opfsStore(await root.getDirectoryHandle('run', { create: true }))
  const stop = new AbortController()
  const interrupted = run(recipe, {
    store,
    checkpointEvery: 2,
    signal: stop.signal,
    report: (event) => event.kind === 'progress' && event.metrics && event.done === 7 && stop.abort(new Error('closed')),
  })
  await expect(interrupted).rejects.toThrow('closed')
  expect((await status(recipe, { store })).stages[0]).toMatchObject({ stage: 'ancestor', state: 'checkpoint' })
  const resumed = await run(recipe, { store })
  expect(resumed.report).toEqual(whole.report)
  expect(resumed.choice.manifest.files).toEqual(whole.choice.manifest.files)
  await root.removeEntry('run', { recursive: true })
})
