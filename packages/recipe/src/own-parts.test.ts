import type { BlockFactory } from '@learngene/interfaces/tensors'
import { createPathSpace, ridge, type SpaceFactory } from '@learngene/stitch'
import { createStitch, type ForwardResult } from '@learngene/vit-blocks'
import { mean, square, sub } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.js'
import { checkSettings, defineRecipe, type Recipe } from './recipe.js'
import { run, status } from './run.js'
import { tinyRecipe, wasm } from './tiny.fixture.js'

const one: SpaceFactory = (tiers) => createPathSpace({ kind: 'own', tiers, slots: [], maxStitches: 0 })
const other: SpaceFactory = (tiers) => createPathSpace({ kind: 'own', tiers, slots: [], maxStitches: 1 })

describe("what a key holds of the user's own", () => {
  let recipe: Recipe
  beforeAll(async () => {
    recipe = await tinyRecipe()
  })

  const keysOf = async (change: Partial<Recipe>) => {
    const { stages } = await status({ ...recipe, ...change }, { store: memoryStore() })
    return new Map(stages.map(({ stage, key }) => [stage, key]))
  }

  /** The first of the stages that differ between two recipes; the others are those that stand on it. */
  const firstChanged = async (a: Partial<Recipe>, b: Partial<Recipe>) => {
    const [before, after] = [await keysOf(a), await keysOf(b)]
    return [...before.keys()].find((stage) => before.get(stage) !== after.get(stage))
  }

  const withLoss = (loss: Recipe['fineTuning']['loss']) => ({ fineTuning: { ...recipe.fineTuning, loss } })
  const withTerms = (extraTerms: Recipe['distillation']['extraTerms']) => ({ distillation: { ...recipe.distillation, extraTerms } })
  const space = { kind: 'own' }
  const stitch = { kind: 'own', config: {} }

  it('is the text of each function, in the stage that calls it', async () => {
    expect(await firstChanged(withLoss(({ logits }) => ({ a: logits })), withLoss(({ logits }) => ({ b: logits })))).toBe('tune') // biome-ignore format: short
    expect(await firstChanged({}, withTerms(() => []))).toBe('tier:w12d6') // biome-ignore format: short
    expect(await firstChanged({ space, registry: { spaces: { own: one } } }, { space, registry: { spaces: { own: other } } })).toBe('pool')
    const again: BlockFactory = (config, rng) => createStitch(config, rng)
    const kinds = [{ own: createStitch }, { own: again }]
    expect(await firstChanged({ stitch, registry: { blocks: kinds[0]! } }, { stitch, registry: { blocks: kinds[1]! } })).toBe('pool')
    const initialisers = ['mine']
    const mine = (registry: Recipe['registry']) => ({ initialisers, registry })
    expect(
      await firstChanged(mine({ initialisers: { mine: ridge() } }), mine({ initialisers: { mine: (problem) => ridge()(problem) } })),
    ).toBe('pool')
  })

  it('is nothing where it is not called', async () => {
    expect(await firstChanged({}, { registry: { spaces: { own: one }, blocks: { own: createStitch } } })).toBeUndefined()
  })

  it('stays the same for the same text', async () => {
    expect(await firstChanged(withLoss(({ logits }) => ({ a: logits })), withLoss(({ logits }) => ({ a: logits })))).toBeUndefined() // biome-ignore format: short
  })

  it('is refused where the registry has no such part', () => {
    expect(() => defineRecipe({ ...recipe, registry: { space: {} } as Recipe['registry'] })).toThrow(/registry.*space/)
    expect(() => defineRecipe({ ...recipe, space: { kind: 'toString' } })).toThrow(
      /^recipe: space.kind must be one of .*aligned.*; got 'toString'$/,
    )
    expect(() => defineRecipe({ ...recipe, initialisers: ['toString'] })).toThrow(/recipe: initialisers are .*ridge.*; got 'toString'$/)
  })
})

describe('settings', () => {
  let recipe: Recipe
  beforeAll(async () => {
    recipe = await tinyRecipe()
  })

  it.each<[Partial<Recipe>, string]>([
    [{ space: { kind: 'aligned', stride: 0 } }, 'run.json: space: stride must be an integer of at least 1, got 0'],
    [{ space: { kind: 'aligned', maxStitches: 0.5 } }, 'run.json: space: maxStitches must be an integer of at least 1, got 0.5'],
    [{ space: { kind: 'slidingWindow', kernel: -1 } }, 'run.json: space: kernel must be an integer of at least 1, got -1'],
    [{ space: { kind: 'aligned', strid: 1 } }, "run.json: space: space 'aligned': there is no option 'strid'"],
    [{ space: { kind: 'twoWay' }, ancestorTier: false }, 'run.json: space: two-way paths run between exactly two tiers, got 1'],
    [{ space: null as never }, 'run.json: space.kind must be one of slidingWindow'],
    [{ initialisers: ['rigde'] }, 'run.json: initialisers are learned'],
    [{ budget: { mac: 1 } }, 'run.json: budget caps macs, parameters, memory, bytes; got mac'],
  ])('that cannot be are told before there are images: %j', (change, message) => {
    const { data: _, ...settings } = { ...recipe, tiers: [recipe.tiers[0]!], ...change }
    expect(() => checkSettings(settings, 'run.json')).toThrow(message)
  })

  it('of a space of the user are for its own factory', () => {
    const { data: _, ...settings } = recipe
    const spaces = { aligned: one }
    expect(() => checkSettings({ ...settings, space: { kind: 'aligned', stride: 0 }, registry: { spaces } })).not.toThrow()
  })
})

it('losses of features teach inherited tiers and the pool, though the ancestor keeps its logits alone', async () => {
  await wasm()
  const { budget: _, budgets: __, ...given } = await tinyRecipe()
  const features = ['pooled']
  const apart = (student: ForwardResult, ancestor: ForwardResult) =>
    square(sub(mean(student.features.pooled!, [1, 2]), mean(ancestor.features.pooled!, [1, 2]))) // [B]
  const seen = { terms: 0, losses: 0 }
  const recipe: Recipe = {
    ...{ ...given, baseline: false, initialisers: ['ridge'], tiers: [{ width: 12, depth: 2, epochs: 1 }], ancestorTier: false },
    space: { kind: 'singleTiers' },
    distillation: {
      ...given.distillation,
      extraTerms: () => [
        {
          ...{ name: 'pooled', weight: 1, studentFeatures: features, ancestorFeatures: features },
          loss(student, ancestor, targets) {
            seen.terms += targets.shape[1]!
            return apart(student, ancestor)
          },
        },
      ],
    },
    fineTuning: {
      ...given.fineTuning,
      features: { student: features, ancestor: features },
      loss(student, { ancestor }) {
        seen.losses++
        return { pooled: apart(student, ancestor!) }
      },
    },
  }
  const store = memoryStore()
  await run(recipe, { store })
  expect(seen).toEqual({ terms: 6 * 10, losses: 6 })
  const [plain, other] = [recipe, { ...recipe, fineTuning: { ...recipe.fineTuning, features: { student: features } } }]
  expect((await status(plain, { store })).next).toBeUndefined()
  expect((await status(other, { store })).next).toBe('tune')
})
