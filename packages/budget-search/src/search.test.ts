import type { ReportEvent } from '@learngene/interfaces'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { InfeasibleBudgetError } from './feasible.js'
import { fallingReturns, type Genes, gridSpace, linearCost, seededRng, unlistableSpace } from './fixtures.js'
import { exhaustiveSearch, search } from './search.js'

const small = gridSpace({ bounds: [4, 4, 4], cost: linearCost })

const huge = unlistableSpace({ bounds: Array(10).fill(4), cost: linearCost })

const score = (values: readonly Genes[]) => values.map(fallingReturns)

describe('search', () => {
  it('evaluates a small space in full, without randomness', async () => {
    const result = await search(small, score, { macs: 40 })
    expect(result).toEqual(await exhaustiveSearch(small, score, { macs: 40 }))
  })

  it('never lists a space of 10^6 candidates', async () => {
    expect(huge.count()).toBeGreaterThan(1e6)
    const { chosen, runnerUp, whyRunnerUpLost, pareto } = await search(huge, score, { macs: 120 }, { rng: seededRng(1) })
    expect(chosen.measures.macs).toBeLessThanOrEqual(120)
    expect(whyRunnerUpLost).toContain(`${runnerUp!.key} lost`)
    expect(pareto.at(-1)).toEqual(chosen)
  })

  it('draws the line at exhaustiveLimit', async () => {
    const unlisted = { ...small, enumerate: huge.enumerate }
    const options = { rng: seededRng(1), population: 4, generations: 2 }
    await expect(search(unlisted, score, {}, { ...options, exhaustiveLimit: 64 })).rejects.toThrow('must not be listed')
    expect((await search(unlisted, score, {}, { ...options, exhaustiveLimit: 63 })).evaluated).toHaveLength(12)
  })

  it('refuses a large space without rng and a bad limit', async () => {
    await expect(search(huge, score, {})).rejects.toThrow('a space of 1048576 candidates, more than exhaustiveLimit 10000')
    await expect(search(small, score, {}, { exhaustiveLimit: -1 })).rejects.toThrow(/exhaustiveLimit must be an integer/)
  })
})

describe('exhaustive', () => {
  fc.configureGlobal({ seed: 1 })

  const space = gridSpace({ bounds: [3, 4, 2], cost: linearCost })

  const score = (values: readonly Genes[]) => values.map(fallingReturns)

  describe('exhaustiveSearch', () => {
    it('finds the best that fits, whatever the budget, and never evaluates anything else', async () => {
      const all = [...space.enumerate()]
      const cap = fc.integer({ min: 10, max: 60 })
      await fc.assert(
        fc.asyncProperty(cap, cap, async (macs, parameters) => {
          const within = all.filter((genes) => linearCost(genes).macs <= macs && linearCost(genes).parameters <= parameters)
          const { chosen, evaluated } = await exhaustiveSearch(space, score, { macs, parameters })
          expect(evaluated.map(({ value }) => value)).toEqual(within)
          expect(chosen.score).toBe(Math.max(...score(within)))
        }),
      )
    })

    it('hands several values over at once, as many as batchSize at most', async () => {
      const evaluator = vi.fn(score)
      await exhaustiveSearch(space, evaluator, {}, { batchSize: 10 })
      expect(evaluator.mock.calls.map(([values]) => values.length)).toEqual([10, 10, 4])
    })

    it('breaks ties by cost, then key', async () => {
      const { chosen, runnerUp } = await exhaustiveSearch(space, (values) => values.map(() => 1), {})
      expect([chosen.key, runnerUp!.key]).toEqual(['0-0-0', '1-0-0'])
      const byParameters = await exhaustiveSearch(space, (values) => values.map(() => 1), {}, { cost: ['parameters', 'macs'] })
      expect(byParameters.runnerUp!.key).toBe('0-0-1')
    })

    it('explains an infeasible budget from all candidates', async () => {
      const failure = await exhaustiveSearch(space, score, { macs: 9, parameters: 100 }).catch((error) => error)
      expect(failure).toBeInstanceOf(InfeasibleBudgetError)
      expect(failure).toMatchObject({ exact: true, smallest: [{ measure: 'macs', cap: 9, value: 10, key: '0-0-0' }] })
    })

    it('reports progress to the end', async () => {
      const events: ReportEvent[] = []
      await exhaustiveSearch(space, score, {}, { reporter: (event) => events.push(event) })
      expect(events[0]).toEqual({ kind: 'stage', name: 'search', total: 24 })
      expect(events.at(-1)).toEqual({ kind: 'progress', done: 24, total: 24 })
    })

    it('refuses bad spaces, evaluators and options', async () => {
      await expect(exhaustiveSearch({ ...space, enumerate: () => [] }, score, {})).rejects.toThrow(/enumerates none/)
      await expect(exhaustiveSearch({ ...space, key: () => 'same' }, score, {})).rejects.toThrow('same was enumerated twice')
      await expect(exhaustiveSearch(space, score, { latency: 3 })).rejects.toThrow(/must carry the measure latency/)
      await expect(exhaustiveSearch(space, score, {}, { cost: 'latency' })).rejects.toThrow(/must carry the measure latency/)
      await expect(exhaustiveSearch(space, score, {}, { batchSize: 0 })).rejects.toThrow(
        'batchSize must be an integer of at least 1: got 0',
      )
      await expect(exhaustiveSearch(space, () => [1], {})).rejects.toThrow('expected 24, got 1')
    })
  })
})
