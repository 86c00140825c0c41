import type { ReportEvent } from '@learngene/interfaces'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { fits } from './budget.js'
import { evolutionarySearch } from './evolutionary.js'
import { fallingReturns, type Genes, gridSpace, linearCost, seededRng, unlistableSpace } from './fixtures.js'
import { exhaustiveSearch } from './search.js'

fc.configureGlobal({ seed: 1 })

const medium = gridSpace({ bounds: [5, 5, 5, 5, 8], cost: linearCost })
const huge = unlistableSpace({ bounds: Array(12).fill(6), cost: linearCost })
const score = (values: readonly Genes[]) => values.map(fallingReturns)

describe('evolutionarySearch', () => {
  it.each([{ macs: 60 }, { parameters: 70 }, { macs: 80, parameters: 75 }, {}])(
    'finds the exhaustive optimum of 5,000 candidates under %j with a fifth of the evaluations',
    async (budget) => {
      const { chosen } = await exhaustiveSearch(medium, score, budget)
      const unlisted = { ...medium, enumerate: huge.enumerate }
      for (const seed of [1, 2, 3, 4, 5]) {
        const found = await evolutionarySearch(unlisted, score, budget, { rng: seededRng(seed) })
        expect(found.chosen).toEqual(chosen)
        expect(found.evaluated.length).toBeLessThanOrEqual(1000)
      }
    },
  )

  it('never evaluates what breaks a cap, and nothing twice', async () => {
    const cap = fc.integer({ min: 10, max: 400 })
    await fc.assert(
      fc.asyncProperty(cap, cap, fc.integer(), async (macs, parameters, seed) => {
        const budget = { macs, parameters }
        const keys: string[] = []
        const evaluator = (values: readonly Genes[]) => {
          for (const value of values) expect(fits(huge.cost(value), budget)).toBe(true)
          keys.push(...values.map(huge.key))
          return score(values)
        }
        const found = await evolutionarySearch(huge, evaluator, budget, { rng: seededRng(seed), population: 8, generations: 4 })
        expect(new Set(keys).size).toBe(keys.length)
        expect(found.evaluated.map(({ key }) => key)).toEqual(keys)
        expect([found.chosen, ...found.pareto].every(({ measures }) => fits(measures, budget))).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('comes close to the optimum of 2 x 10^9 candidates without listing or counting them', async () => {
    const uncounted = {
      ...huge,
      count: () => {
        throw new Error('this space must not be counted')
      },
    }
    const random = seededRng('baseline')
    const budget = { macs: 300 }
    const { chosen, evaluated } = await evolutionarySearch(uncounted, score, budget, { rng: seededRng(1) })
    let baseline = 0
    for (let i = 0; i < 20 * evaluated.length; i++) {
      const genes = huge.sample(random)
      if (fits(linearCost(genes), budget)) baseline = Math.max(baseline, fallingReturns(genes))
    }
    expect(evaluated.length).toBeLessThanOrEqual(32 * 31)
    expect(chosen.score).toBeGreaterThan(baseline)
    expect(chosen.measures.macs).toBeGreaterThan(290)
  })

  it('gives the same for the same seed, whatever was drawn before, and differs between seeds', async () => {
    const run = async (seed: number, draws: number) => {
      const rng = seededRng(seed)
      for (let i = 0; i < draws; i++) rng.uniform()
      return (await evolutionarySearch(huge, score, { macs: 200 }, { rng, generations: 5 })).evaluated
    }
    expect(await run(7, 0)).toEqual(await run(7, 3))
    expect(await run(7, 0)).not.toEqual(await run(8, 0))
  })

  it('gains from the predictor at equal numbers of evaluations', async () => {
    const bestOf = async (proposals: number) => {
      const scores = []
      for (const seed of [1, 2, 3, 4]) {
        const options = {
          rng: seededRng(seed),
          population: 16,
          generations: 10,
          proposals,
          features: (genes: Genes) => genes.map(Math.sqrt),
        }
        scores.push((await evolutionarySearch(huge, score, { macs: 300 }, options)).chosen.score)
      }
      return scores.reduce((sum, value) => sum + value, 0)
    }
    expect(await bestOf(8)).toBeGreaterThan(await bestOf(1))
  })

  it('tells how far the predictor was from scores that it had not seen', async () => {
    const options = { rng: seededRng(1), generations: 12 }
    const features = (genes: Genes) => genes.map(Math.sqrt)
    const knowing = (await evolutionarySearch(huge, score, { macs: 300 }, { ...options, features })).predictor!
    expect(knowing.heldOut).toBe(12 * 32)
    expect(knowing.meanError).toBeLessThan(0.05 * knowing.meanDeviation)
    const noise = async (values: readonly Genes[]) => values.map((genes) => seededRng(genes.join()).uniform())
    const guessing = (await evolutionarySearch(huge, noise, { macs: 300 }, options)).predictor!
    expect(guessing.meanError).toBeGreaterThan(0.8 * guessing.meanDeviation)
    expect((await evolutionarySearch(huge, score, {}, { ...options, generations: 0 })).predictor).toBeUndefined()
  })

  it("sees what the space says of a candidate, where it says anything, and the caller's features before that", async () => {
    const features = vi.fn((genes: Genes) => genes.map(Math.sqrt))
    const space = { ...huge, features }
    await evolutionarySearch(space, score, {}, { rng: seededRng(1), generations: 2 })
    expect(features).toHaveBeenCalled()
    features.mockClear()
    await evolutionarySearch(space, score, {}, { rng: seededRng(1), generations: 2, features: (genes) => genes })
    expect(features).not.toHaveBeenCalled()
  })

  it('calls the evaluator once a generation with at most the population', async () => {
    const evaluator = vi.fn(async (values: readonly Genes[]) => score(values))
    const events: ReportEvent[] = []
    const rng = seededRng(3)
    await evolutionarySearch(huge, evaluator, {}, { rng, population: 10, generations: 6, reporter: (event) => events.push(event) })
    expect(evaluator.mock.calls.map(([values]) => values.length)).toEqual(Array(7).fill(10))
    expect(events[0]).toEqual({ kind: 'stage', name: 'search', total: 7 })
    expect(events.at(-1)).toMatchObject({ kind: 'progress', done: 7, total: 7, metrics: { evaluated: 70 } })
  })

  it('ends early where nothing new is left', async () => {
    const tiny = unlistableSpace({ bounds: [2, 2], cost: linearCost })
    const { chosen, evaluated } = await evolutionarySearch(tiny, score, {}, { rng: seededRng(1) })
    expect(evaluated).toHaveLength(4)
    expect(chosen.key).toBe('1-1')
  })

  it('explains an infeasible budget', async () => {
    await expect(evolutionarySearch(huge, score, { parameters: 9 }, { rng: seededRng(1) })).rejects.toMatchObject({
      name: 'InfeasibleBudgetError',
      exact: false,
      smallest: [{ measure: 'parameters', cap: 9, value: 10 }],
    })
  })

  it('refuses bad options, features and scores', async () => {
    const rng = seededRng(1)
    await expect(evolutionarySearch(huge, score, {}, { rng, population: 1 })).rejects.toThrow(
      'population must be an integer of at least 2: got 1',
    )
    await expect(evolutionarySearch(huge, score, {}, { rng, generations: 1.5 })).rejects.toThrow(/generations must be an integer/)
    await expect(evolutionarySearch(huge, score, {}, { rng, proposals: 0 })).rejects.toThrow(/proposals must be an integer/)
    await expect(evolutionarySearch(huge, score, {}, { rng, features: () => [Number.NaN] })).rejects.toThrow(
      /feature vectors must be finite/,
    )
    await expect(evolutionarySearch(huge, score, { latency: 1 }, { rng })).rejects.toThrow(/must carry the measure latency/)
    await expect(evolutionarySearch(huge, (values) => values.map(() => Number.NaN), {}, { rng })).rejects.toThrow(/finite numbers.*got NaN/)
  })
})
