import { describe, expect, it } from 'vitest'
import { exhaustiveSearch } from './exhaustive.js'
import { fallingReturns, type Genes, gridSpace, linearCost, seededRng, unlistableSpace } from './fixtures.js'
import { search } from './search.js'

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
