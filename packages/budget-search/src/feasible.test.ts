import type { SearchSpace } from '@learngene/interfaces'
import { describe, expect, it } from 'vitest'
import { fits } from './budget.js'
import { feasibleStart, InfeasibleBudgetError, trackSmallest } from './feasible.js'
import { linearCost, scored, seededRng, unlistableSpace } from './fixtures.js'

const errorFor = (budget: { [measure: string]: number }, list: ReturnType<typeof scored>[], exact = true) => {
  const tracker = trackSmallest(budget)
  for (const candidate of list) tracker.observe(candidate)
  return tracker.error(exact)
}

const tiny = scored('tiny', { macs: 640e6, parameters: 4e6 }, 0)

const slim = scored('slim', { macs: 900e6, parameters: 3e6 }, 0)

describe('InfeasibleBudgetError', () => {
  it('names the smallest model of a cap that cannot be met', () => {
    const error = errorFor({ macs: 100e6, parameters: 5e6 }, [slim, tiny])
    expect(error).toBeInstanceOf(InfeasibleBudgetError)
    expect(error.name).toBe('InfeasibleBudgetError')
    expect(error.message).toBe(
      'no candidate fits the budget macs=100M,parameters=5M: the smallest by macs is tiny with 640M; raise the cap to at least that',
    )
    expect(error.smallest).toEqual([{ measure: 'macs', cap: 100e6, value: 640e6, key: 'tiny' }])
    expect(error.exact).toBe(true)
  })

  it('names one for each violated cap', () => {
    const error = errorFor({ macs: 100e6, parameters: 1e6 }, [slim, tiny])
    expect(error.message).toContain('the smallest by macs is tiny with 640M, the smallest by parameters is slim with 3M; raise the caps')
    expect(error.smallest.map(({ key }) => key)).toEqual(['tiny', 'slim'])
  })

  it('says so where caps can be met alone but not together, and names the closest', () => {
    const error = errorFor({ macs: 650e6, parameters: 3.9e6 }, [slim, tiny])
    expect(error.message).toContain('each cap can be met alone but not all together')
    expect(error.message).toContain('the closest is tiny with macs 640M and parameters 4M')
    expect(error.closest).toBe('tiny')
    expect(error.smallest.map(({ key }) => key)).toEqual(['tiny', 'slim'])
  })

  it('says where the smallest came from a short search, in one line', () => {
    const error = errorFor({ macs: 1 }, [tiny], false)
    expect(error.message).toMatch(/short search.*smaller ones may exist/)
    expect(error.message).not.toContain('\n')
    expect(error.exact).toBe(false)
  })

  it('breaks ties by key, whatever the order', () => {
    const twin = scored('also-tiny', tiny.measures, 0)
    for (const list of [
      [tiny, twin],
      [twin, tiny],
    ]) {
      expect(errorFor({ macs: 1 }, list)).toMatchObject({ closest: 'also-tiny', smallest: [{ key: 'also-tiny' }] })
    }
  })
})

const space = unlistableSpace({ bounds: Array(12).fill(4), cost: linearCost })

describe('feasibleStart', () => {
  it('finds candidates that random sampling practically never hits', async () => {
    const budget = { macs: 20, parameters: 20 }
    for (const seed of [1, 2, 3]) {
      const found = await feasibleStart(space, budget, 16, seededRng(seed))
      expect(found.length).toBeGreaterThan(0)
      expect(found.every(({ measures }) => fits(measures, budget))).toBe(true)
      expect(new Set(found.map(({ key }) => key)).size).toBe(found.length)
    }
  })

  it('finds the only candidate that fits', async () => {
    expect((await feasibleStart(space, { macs: 10 }, 4, seededRng(5))).map(({ key }) => key)).toEqual([Array(12).fill(0).join('-')])
  })

  it('returns as many as asked for where they are easy to find', async () => {
    expect(await feasibleStart(space, {}, 16, seededRng(1))).toHaveLength(16)
  })

  it('names the smallest found, and says that it was a search', async () => {
    const fail = () => feasibleStart(space, { macs: 9, parameters: 500 }, 8, seededRng(1))
    await expect(fail()).rejects.toThrow(InfeasibleBudgetError)
    await expect(fail()).rejects.toThrow(/smallest by macs is 0-0-0-0-0-0-0-0-0-0-0-0 with 10; .*short search/)
  })

  it('minimises each measure alone where the caps fight each other', async () => {
    const trade = unlistableSpace({
      bounds: Array(12).fill(4),
      cost: (genes) => {
        const sum = genes.reduce((total, gene) => total + gene, 0)
        return { macs: 10 + sum, parameters: 46 - sum }
      },
    })
    const failure = await feasibleStart(trade, { macs: 20, parameters: 20 }, 8, seededRng(1)).catch((error) => error)
    expect(failure).toMatchObject({
      exact: false,
      smallest: [
        { measure: 'macs', value: 10 },
        { measure: 'parameters', value: 10 },
      ],
    })
  })
})

it('finds what a walk toward all caps at once does not reach: behind a ridge that one measure alone leads over', async () => {
  // From the left `a` falls all the way; `b` stands high on 30 places between, so that the joint excess falls nowhere.
  const ridge: SearchSpace<number> = {
    count: () => 60,
    *enumerate() {},
    sample: (rng) => rng.integer(4),
    mutate: (at, rng) => Math.min(59, Math.max(0, at + (rng.uniform() < 0.5 ? -1 : 1))),
    cost: (at) => ({ a: 100 - at, b: at >= 4 && at < 34 ? 1000 : 1 }),
    key: String,
  }
  const found = await feasibleStart(ridge, { a: 60, b: 5 }, 3, seededRng(1))
  expect(found.length).toBeGreaterThan(0)
  expect(found.length).toBeLessThanOrEqual(3)
  for (const { value, measures } of found) {
    expect(value).toBeGreaterThanOrEqual(40)
    expect(fits(measures, { a: 60, b: 5 })).toBe(true)
  }
})
