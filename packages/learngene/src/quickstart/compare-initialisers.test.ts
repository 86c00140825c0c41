import type { Normalisation } from '@learngene/datasets'
import { loadTest, loadTrain, readAncestor } from '@learngene/fashion-mnist'
import { buildPool, disposePool, inheritTiers, type Pool } from '@learngene/learngene-pool'
import { alone, createRng } from '@learngene/training'
import { disposeNetwork, loadModel } from '@learngene/vit-blocks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBackend } from '../start-backend.js'
import { compareInitialisers, stitchAnew } from './compare-initialisers.js'
import type { QuickstartConfig } from './config.js'
import { type QuickstartImages, splitImages } from './images.js'
import { tinyQuickstart } from './tiny.fixture.js'

describe('stitching anew', () => {
  let pool: Pool
  let images: QuickstartImages

  beforeAll(async () => {
    await startBackend('wasm')
    const { network, details } = await loadModel(await readAncestor())
    images = splitImages(
      await loadTrain(),
      await loadTest(),
      tinyQuickstart,
      details.normalisation as unknown as Normalisation,
      createRng(1),
    )
    const widths = [{ width: 12 }, { width: 24 }]
    const tiers = await inheritTiers(network, widths, images.training, { indices: [0, 1, 2, 3], fit: false })
    disposeNetwork(network)
    pool = buildPool(tiers, { space: { kind: 'aligned', stride: 5 } }, createRng(2))
  })

  afterAll(() => disposePool(pool))

  for (const first of ['random', 'learned', 'ridge'] as const) {
    it(`leaves the stitches of tiers that have not moved as the comparison left them: ${first}`, async () => {
      const config: QuickstartConfig = { ...tinyQuickstart, initialisers: [first, 'leastSquares'] }
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
