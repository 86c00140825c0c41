import { describe, expect, it, vi } from 'vitest'
import { fits } from './budget.js'
import { evolutionarySearch } from './evolutionary.js'
import { fallingReturns, type Genes, gridSpace, linearCost, seededRng, unlistableSpace } from './fixtures.js'
import { randomSearch } from './random.js'

const huge = unlistableSpace({ bounds: Array(12).fill(6), cost: linearCost })
const score = (values: readonly Genes[]) => values.map(fallingReturns)

describe('randomSearch', () => {
  it('evaluates as many different candidates as asked for, and only what fits', async () => {
    const evaluator = vi.fn(score)
    const { evaluated, chosen } = await randomSearch(huge, evaluator, { macs: 400 }, { rng: seededRng(1), evaluations: 150 })
    expect(evaluated).toHaveLength(150)
    expect(new Set(evaluated.map(({ key }) => key)).size).toBe(150)
    expect(evaluated.every(({ measures }) => fits(measures, { macs: 400 }))).toBe(true)
    expect(chosen.score).toBe(Math.max(...evaluated.map(({ score }) => score)))
    expect(evaluator.mock.calls.map(([values]) => values.length)).toEqual([64, 64, 22])
  })

  it('is what the evolutionary search is ahead of at equal evaluations', async () => {
    for (const seed of [1, 2, 3]) {
      const found = await evolutionarySearch(huge, score, { macs: 400 }, { rng: seededRng(seed), generations: 10 })
      const random = await randomSearch(huge, score, { macs: 400 }, { rng: seededRng(seed), evaluations: found.evaluated.length })
      expect(found.chosen.score).toBeGreaterThan(random.chosen.score)
    }
  })

  it('gives the same for the same seed, and ends where a space has no more', async () => {
    const run = async (seed: number) => (await randomSearch(huge, score, {}, { rng: seededRng(seed), evaluations: 20 })).evaluated
    expect(await run(1)).toEqual(await run(1))
    expect(await run(1)).not.toEqual(await run(2))
    const tiny = gridSpace({ bounds: [2, 2], cost: linearCost })
    expect((await randomSearch(tiny, score, {}, { rng: seededRng(1), evaluations: 10 })).evaluated).toHaveLength(4)
  })

  it('says where nothing fits, and refuses bad options', async () => {
    const rng = seededRng(1)
    await expect(randomSearch(huge, score, { macs: 9 }, { rng, evaluations: 1 })).rejects.toMatchObject({ name: 'InfeasibleBudgetError' })
    await expect(randomSearch(huge, score, {}, { rng, evaluations: 0 })).rejects.toThrow(
      'evaluations must be an integer of at least 1: got 0',
    )
    await expect(randomSearch(huge, score, {}, undefined as never)).rejects.toThrow('options must be an object')
  })
})
