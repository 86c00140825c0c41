import { describe, expect, it } from 'vitest'
import { evolutionarySearch } from './evolutionary.js'
import { fallingReturns, type Genes, gridSpace, linearCost, seededRng } from './fixtures.js'
import { withMeasures } from './measures.js'
import { exhaustiveSearch } from './search.js'

const grid = gridSpace({ bounds: [4, 4, 4], cost: linearCost })
const score = (values: readonly Genes[]) => values.map(fallingReturns)
/** Joules that somebody has measured. */
const energy = async (genes: Genes) => genes.reduce((sum, gene) => sum + gene, 1)

describe('withMeasures', () => {
  it('lets budgets cap what is measured asynchronously, in both searches', async () => {
    const space = withMeasures(grid, { energy })
    const byHand = { ...grid, cost: (genes: Genes) => ({ ...linearCost(genes), energy: genes.reduce((sum, gene) => sum + gene, 1) }) }
    for (const cap of [1, 4, 7]) {
      const wanted = await exhaustiveSearch(byHand, score, { energy: cap })
      expect(await exhaustiveSearch(space, score, { energy: cap })).toEqual(wanted)
      const found = await evolutionarySearch(space, score, { energy: cap }, { rng: seededRng(1) })
      expect(found.chosen).toEqual(wanted.chosen)
    }
  })

  it('can be what a front minimises', async () => {
    const { pareto } = await exhaustiveSearch(withMeasures(grid, { energy }), score, {}, { cost: 'energy' })
    expect(pareto.map(({ measures }) => measures.energy)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('passes a failure on and refuses what is no measure', async () => {
    const failing = withMeasures(grid, { energy: () => Promise.reject(new Error('the meter is off')) })
    await expect(exhaustiveSearch(failing, score, {})).rejects.toThrow('the meter is off')
    expect(() => withMeasures(grid, { energy: 3 as never })).toThrow('the measure energy must be a function: got 3')
    expect(() => withMeasures({} as typeof grid, { energy })).toThrow('cost() is missing')
  })
})
