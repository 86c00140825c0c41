import { memory } from '@tensorflow/tfjs-core'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Recipe } from './recipe.js'
import { tinyRecipe, wasm } from './tiny.fixture.js'
import { type WorkSize, workOf } from './work.js'

describe('the work of a run', () => {
  let recipe: Recipe
  let before: number
  beforeAll(async () => {
    await wasm()
    recipe = await tinyRecipe()
    before = memory().numTensors
  })
  afterEach(() => expect(memory().numTensors).toBe(before))

  const size: WorkSize = { images: 1000, classes: 10, augmented: false }

  /** Each work in a line: what, images at a time, precision, width of the first block and blocks, parameters where they are not all, times. */
  async function linesOf(change: Partial<Recipe> = {}, other: Partial<WorkSize> = {}): Promise<string[]> {
    const { works, dispose } = await workOf({ ...recipe, ...change }, { ...size, ...other })
    const lines = works.map(({ network, batch, what, parameters, precision, times }) => {
      const some = parameters ? ` ${Object.keys(parameters).length} tensors` : ''
      return `${what} ${batch} ${precision} w${network.embedding.width} of ${network.blocks.length}${some}: ${Number(times.toFixed(2))}`
    })
    dispose()
    return lines
  }

  it('is the distillation of the tiers that are trained, the tuning of paths that run them, evaluation of all, and the kept answers of the ancestor', async () => {
    expect(await linesOf()).toMatchInlineSnapshot(`
      [
        "train 20 float32 w12 of 6: 100",
        "train 20 float32 w12 of 6 88 tensors: 25",
        "train 20 float32 w12 of 8 88 tensors: 25",
        "forward 50 float32 w96 of 12: 20",
        "forward 50 float32 w12 of 6: 8.4",
        "forward 50 float32 w24 of 12: 8.4",
        "forward 50 float32 w96 of 12: 8.4",
        "forward 50 float32 w12 of 8: 8.4",
        "forward 50 float32 w24 of 13: 8.4",
      ]
    `)
  })

  it('asks the ancestor in each step where images are augmented, or features compared; what is kept then is not computed', async () => {
    const live = (lines: readonly string[]) => lines.filter((line) => line.startsWith('forward 20 '))
    const kept = (lines: readonly string[]) => lines.filter((line) => / w96 of 12: 20$/.test(line))
    const [plain, augmented, features] = [
      await linesOf(),
      await linesOf({}, { augmented: true }),
      await linesOf({ distillation: { ...recipe.distillation, weights: { block: 1 } } }),
    ]
    expect([live(plain), kept(plain)]).toEqual([[], ['forward 50 float32 w96 of 12: 20']])
    expect([live(augmented), kept(augmented)]).toEqual([['forward 20 float32 w96 of 12: 100', 'forward 20 float32 w96 of 12: 50'], []])
    expect([live(features), kept(features)]).toEqual([['forward 20 float32 w96 of 12: 100'], ['forward 50 float32 w96 of 12: 20']])
  })

  it('has the batches of one member, and of one part, and the precision of each plan', async () => {
    const lines = await linesOf({ distillation: { ...recipe.distillation, accumulate: 2, precision: 'mixed' } }, { members: 2 })
    expect(lines[0]).toBe('train 5 mixed w12 of 6: 200')
    expect(lines.filter((line) => line.includes('mixed'))).toHaveLength(1)
    expect(lines.some((line) => line.startsWith('train 10 float32'))).toBe(true)
  })

  it('begins with the training of an ancestor that is trained, or its adaptation to other classes', async () => {
    const plan = { epochs: 2, batchSize: 50, learningRate: 1e-3 }
    const shape = { width: 24, depth: 6, heads: 3, patchSize: 7, imageSize: [28, 28], channels: 1 } as const
    const narrow = { tiers: [{ width: 12, epochs: 0 }] }
    expect((await linesOf({ ...narrow, ancestor: { ...shape, training: plan } }))[0]).toBe('train 50 float32 w24 of 6: 40')
    const adaptation = { head: plan, whole: { ...plan, epochs: 1, precision: 'mixed' as const } }
    expect((await linesOf({ adaptation }, { classes: 7 })).slice(0, 2)).toEqual([
      'train 50 float32 w96 of 12 2 tensors: 40',
      'train 50 mixed w96 of 12: 20',
    ])
    for (const classes of [10, 0]) expect((await linesOf({ adaptation }, { classes }))[0]).toBe('train 20 float32 w12 of 6: 100')
  })

  it('leaves nothing behind where there is no such family', async () => {
    const tooFew = { ...recipe, space: { kind: 'aligned', stride: -1 } } as Recipe
    await expect(workOf(tooFew, size)).rejects.toThrow('stride')
    const ancestor = { name: 'nobody', fingerprint: '', load: () => Promise.reject(new Error('no such file')) }
    await expect(workOf({ ...recipe, ancestor }, size)).rejects.toThrow('no such file')
  })
})
