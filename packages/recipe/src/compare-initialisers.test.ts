import { buildPool, disposePool, inheritTiers, type Pool } from '@learngene/learngene-pool'
import { alone, createRng } from '@learngene/training'
import { disposeNetwork } from '@learngene/vit-blocks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareInitialisers, stitchAnew } from './compare-initialisers.js'
import { type GivenAncestor, type SettledRecipe, settled } from './recipe.js'
import { openSession, type RunImages } from './session.js'
import { tinyRecipe, wasm } from './tiny.fixture.js'

describe('stitching anew', () => {
  let pool: Pool
  let images: RunImages
  let recipe: SettledRecipe

  beforeAll(async () => {
    await wasm()
    recipe = settled(await tinyRecipe())
    const { network, details } = await (recipe.ancestor as GivenAncestor).load()
    images = openSession(recipe, { group: alone }).images({ network, details })
    const widths = [{ width: 12 }, { width: 24 }]
    const tiers = await inheritTiers(network, widths, images.training, { indices: [0, 1, 2, 3], fit: false })
    disposeNetwork(network)
    pool = buildPool(tiers, { space: { kind: 'aligned', stride: 5 } }, createRng(2))
  })

  afterAll(() => disposePool(pool))

  for (const first of ['random', 'learned', 'ridge'] as const) {
    it(`leaves the stitches of tiers that have not moved as the comparison left them: ${first}`, async () => {
      const config = { ...recipe, initialisers: [first, 'leastSquares'] }
      await compareInitialisers(pool, [...pool.space.enumerate()], images, config, alone, createRng(3))
      const compared = await valuesOf(pool)
      await stitchAnew(pool, images, config, createRng(3))
      expect(await valuesOf(pool)).toEqual(compared)
    })
  }
})

async function valuesOf({ stitches }: Pool) {
  const parameters = [...stitches.values()].flatMap(({ parameters }) => Object.values(parameters))
  return Promise.all(parameters.map(async (parameter) => [...(await parameter.data())]))
}
