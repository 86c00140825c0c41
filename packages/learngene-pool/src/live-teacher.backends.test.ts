import { setOps, setPrecision } from '@learngene/ops'
import { describeEachBackend, watchPrograms } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { expect, it, vi } from 'vitest'
import { createAuxiliary } from './auxiliary.js'
import { trainNetwork } from './baselines/train-network.js'
import { cachedTeacher } from './cached-teacher.js'
import { distill } from './distill.js'
import { fineTune } from './fine-tune.js'
import { buildPool, disposePool } from './pool.js'
import { liveTeacher, type Teacher } from './teacher.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

/** Programs that make the optimizer's state, targets, and copies of answers. */
const OF_ONE_OPERATION = ['FillProgram', 'OneHotProgram', 'BinaryOpProgram']

describeEachBackend(({ name, tolerances }) => {
  it('a live teacher teaches what a cached one does, one path per step, and nothing runs without its recording on webgpu', async () => {
    const before = memory().numTensors
    const warned = vi.spyOn(console, 'warn')
    const [ancestor, source] = [tinyAncestor(), tinyImages(12)]
    const lossesWith = async (teacher: Teacher) => {
      const rng = createRng(3)
      const tiers = [8, 16].map((width) => createAuxiliary(ancestor, { width, depth: 2, heads: 2 }, rng))
      const pool = buildPool(tiers, {}, rng)
      const losses = await fineTune(pool, source, { epochs: 2, batchSize: 4, learningRate: 1e-2, teacher }, rng)
      disposePool(pool)
      return losses
    }
    const live = liveTeacher(ancestor)
    const losses = await lossesWith(live)
    live.dispose()
    expect(losses).toHaveLength(6)
    for (const [i, loss] of (await lossesWith(await cachedTeacher(ancestor, [], source))).entries()) {
      expect(Math.abs(losses[i]! - loss) / loss).toBeLessThan(tolerances.lossCurve)
    }
    disposeNetwork(ancestor)
    expect(warned.mock.calls.filter(([text]) => String(text).startsWith('compileStep'))).toEqual([])
    warned.mockRestore()
    expect(memory().numTensors).toBe(before)
  })

  it.skipIf(name !== 'webgpu')(
    'its programs are compiled all at once before it is asked first, in fine-tuning and distilling',
    async () => {
      const before = memory().numTensors
      const [ancestor, student, source] = [tinyAncestor(), tinyAncestor(2), tinyImages(12)]
      const plan = { epochs: 1, batchSize: 4, learningRate: 1e-2, accumulate: 2 }
      const smaller = { width: 8, depth: 2, heads: 2 }
      const live = liveTeacher(ancestor)
      const prepare = vi.fn(live.prepare!)
      const teacher: Teacher = Object.assign((...asked: Parameters<Teacher>) => live(...asked), { prepare })
      for (const training of [
        () => trainNetwork(student, source, { ...plan, teacher }, createRng(3)),
        async () => disposeNetwork((await distill(ancestor, smaller, source, { ...plan, start: 'random' }, createRng(3))).tier.network),
      ]) {
        const programs = watchPrograms()
        try {
          await training()
          expect(programs.ahead.length).toBeGreaterThan(5)
          expect(programs.waiting.filter((label) => !OF_ONE_OPERATION.includes(label))).toEqual([])
        } finally {
          programs.end()
        }
      }
      live.dispose()
      expect(prepare).toHaveBeenCalledTimes(1)
      prepare.mockRejectedValue(new Error('no teacher today'))
      for (const training of [
        trainNetwork(student, source, { ...plan, teacher }, createRng(3)),
        distill(ancestor, smaller, source, { ...plan, start: 'random', teacher }, createRng(3)),
      ]) {
        await expect(training).rejects.toThrow('no teacher today')
      }
      disposeNetwork(student)
      disposeNetwork(ancestor)
      expect(memory().numTensors).toBe(before)
    },
  )

  it('runs anew what it recorded under another precision or mode of the operations', async () => {
    const ancestor = tinyAncestor()
    const run = vi.fn(ancestor.blocks[0]!.forward)
    const counted = { ...ancestor, blocks: [{ ...ancestor.blocks[0]!, forward: run }, ...ancestor.blocks.slice(1)] }
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const live = liveTeacher(counted)
    const images = tinyImages(2).images([0, 1])
    const runs = () => {
      run.mockClear()
      live([0, 1], images, [])
      return run.mock.calls.length
    }
    try {
      const first = runs()
      if (name === 'webgpu') expect(runs()).toBe(0)
      setOps('reference')
      expect(runs()).toBe(first)
      setPrecision('mixed')
      expect(runs()).toBe(first)
      setOps('auto')
      expect(runs()).toBe(first)
      setPrecision('f32')
      if (name === 'webgpu') expect(runs()).toBe(0)
    } finally {
      setOps('auto')
      setPrecision('f32')
      warned.mockRestore()
    }
    live.dispose()
    images.dispose()
    disposeNetwork(ancestor)
  })
})
