import { describe, expect, it } from 'vitest'
import { fits } from './constraints.js'
import { feasibleStart } from './feasible.js'
import { linearCost, seededRng, unlistableSpace } from './fixtures.js'
import { InfeasibleBudgetError } from './infeasible.js'

const space = unlistableSpace({ bounds: Array(12).fill(4), cost: linearCost })

describe('feasibleStart', () => {
  it('finds candidates that random sampling practically never hits', () => {
    const budget = { macs: 20, parameters: 20 }
    for (const seed of [1, 2, 3]) {
      const found = feasibleStart(space, budget, 16, seededRng(seed))
      expect(found.length).toBeGreaterThan(0)
      expect(found.every(({ measures }) => fits(measures, budget))).toBe(true)
      expect(new Set(found.map(({ key }) => key)).size).toBe(found.length)
    }
  })

  it('finds the only candidate that fits', () => {
    expect(feasibleStart(space, { macs: 10 }, 4, seededRng(5)).map(({ key }) => key)).toEqual([Array(12).fill(0).join('-')])
  })

  it('returns as many as asked for where they are easy to find', () => {
    expect(feasibleStart(space, {}, 16, seededRng(1))).toHaveLength(16)
  })

  it('names the smallest found, and says that it was a search', () => {
    const fail = () => feasibleStart(space, { macs: 9, parameters: 500 }, 8, seededRng(1))
    expect(fail).toThrow(InfeasibleBudgetError)
    expect(fail).toThrow(/smallest by macs is 0-0-0-0-0-0-0-0-0-0-0-0 with 10; .*short search/)
  })

  it('minimises each measure alone where the caps fight each other', () => {
    const trade = unlistableSpace({
      bounds: Array(12).fill(4),
      cost: (genes) => {
        const sum = genes.reduce((total, gene) => total + gene, 0)
        return { macs: 10 + sum, parameters: 46 - sum }
      },
    })
    const failure = (() => {
      try {
        return feasibleStart(trade, { macs: 20, parameters: 20 }, 8, seededRng(1))
      } catch (error) {
        return error
      }
    })()
    expect(failure).toMatchObject({
      exact: false,
      smallest: [
        { measure: 'macs', value: 10 },
        { measure: 'parameters', value: 10 },
      ],
    })
  })
})
