import type { SearchSpace } from '@learngene/interfaces'
import { multiStitch, type StitchedPath } from '@learngene/stitch'
import { expect, it } from 'vitest'
import { evolutionarySearch } from './evolutionary.js'
import { seededRng } from './fixtures.js'
import { randomSearch } from './random.js'

const tiers = Array.from({ length: 10 }, (_, i) => ({ name: `t${i}`, width: 64 * (i + 1), depth: 24 }))
const width = ({ tier }: { readonly tier: string }) => Number(tier.slice(1)) + 1
const blocks = ({ first, last }: { readonly first: number; readonly last: number }) => last - first + 1

it('searches 639,888,305,229 paths in the memory of those that it evaluates', async () => {
  const paths = multiStitch(tiers)
  expect(paths.exactCount()).toBe(639_888_305_229n)
  const space: SearchSpace<StitchedPath> = {
    ...paths,
    enumerate: () => {
      throw new Error('this space must not be listed')
    },
    cost: ({ path: { segments } }) => ({ macs: segments.reduce((sum, each) => sum + blocks(each) * width(each) ** 2, 0) }),
  }
  // Wide blocks are worth more, each further one less, and every stitch costs something.
  const score = ({ path: { segments }, stitches }: StitchedPath) =>
    segments.reduce((sum, each) => sum + Math.sqrt(blocks(each) * width(each)), 0) - 0.5 * stitches.length
  const evaluator = (values: readonly StitchedPath[]) => values.map(score)
  const options = { population: 16, generations: 8, proposals: 4 }
  const { chosen, evaluated, predictor } = await evolutionarySearch(space, evaluator, { macs: 1000 }, { rng: seededRng(1), ...options })
  const random = await randomSearch(space, evaluator, { macs: 1000 }, { rng: seededRng(1), evaluations: evaluated.length })
  expect(evaluated.length).toBeLessThanOrEqual(16 * 9)
  expect(chosen.measures.macs).toBeLessThanOrEqual(1000)
  expect(chosen.score).toBeGreaterThan(random.chosen.score)
  expect(predictor!.meanError).toBeLessThan(predictor!.meanDeviation)
})
