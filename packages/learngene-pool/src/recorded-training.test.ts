import { initialiseStitches, random } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { expect, test, vi } from 'vitest'
import { createAuxiliary, distill } from './distill.js'
import { fineTune } from './fine-tune.js'
import { buildPool, disposePool } from './pool.js'
import { liveTeacher } from './teacher.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

const missing = await startBackend('webgpu').then(
  () => undefined,
  (error: Error) => error.message,
)

/** Distils an auxiliary with a live teacher and fine-tunes its pool with a fresh one; the losses of all steps. */
async function trainPool(): Promise<number[]> {
  const before = memory().numTensors
  const [ancestor, source, rng] = [tinyAncestor(), tinyImages(12), createRng(3)]
  const plan = { epochs: 2, batchSize: 4, learningRate: 1e-2 }
  const { tier, losses: distilled } = await distill(ancestor, { width: 8, depth: 2, heads: 2 }, source, plan, rng.fork('small'))
  const large = createAuxiliary(ancestor, { width: 16, depth: 2, heads: 2 }, rng)
  const pool = buildPool([tier, large], {}, rng)
  initialiseStitches(pool, random, { rng })
  const teacher = liveTeacher(ancestor)
  const tuned = await fineTune(pool, source, { ...plan, teacher }, rng.fork('fine-tune'))
  teacher.dispose()
  disposePool(pool)
  disposeNetwork(ancestor)
  expect(memory().numTensors).toBe(before)
  return [...distilled, ...tuned]
}

test.skipIf(missing !== undefined)(`recorded steps on webgpu follow plain ones on cpu${missing ? ` (${missing})` : ''}`, async () => {
  const warned = vi.spyOn(console, 'warn')
  const recorded = await trainPool()
  expect(warned.mock.calls.filter(([text]) => String(text).startsWith('compileStep'))).toEqual([])
  await startBackend('cpu')
  const plain = await trainPool()
  expect(recorded).toHaveLength(6 + 6)
  for (const [i, loss] of plain.entries()) expect(Math.abs(recorded[i]! - loss) / loss).toBeLessThan(1e-3)
})
