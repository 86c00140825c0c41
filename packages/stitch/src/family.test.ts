import { createViT, deit, type Network, withoutWeights } from '@learngene/vit-blocks'
import { describe, expect, it } from 'vitest'
import { costOfPath, descendantOf, type StitchedFamily, shapeOfTier } from './family.js'
import { slidingWindow } from './paths/index.js'
import { createStitches } from './stitches.js'
import { weightRng } from './testing/paths.js'

const family: StitchedFamily = withoutWeights(() => {
  const tierOf = (name: string, network: Network) => ({ name, network, transformations: [] })
  const rng = weightRng(0)
  const tiers = [tierOf('ti', createViT(deit.tiny, rng)), tierOf('sm', createViT(deit.small, rng)), tierOf('ba', createViT(deit.base, rng))]
  const space = slidingWindow(tiers.map(shapeOfTier))
  return { tiers, space, stitches: createStitches(space, rng) }
})

/** The published models in their order, from closed formulas: an anchor (j, m undefined), or blocks 0..j of the front and m..11 of the back. */
function publishedModels() {
  const n = 197
  const [ti, sm, ba] = [192, 384, 768] as const
  const block = { macs: (d: number) => 12 * n * d * d + 2 * n * n * d + 10 * n * d, parameters: (d: number) => 12 * d * d + 13 * d }
  const patch = (d: number) => ({ macs: 196 * 768 * d, parameters: 768 * d + d })
  const models: { path: string; macs: number; parameters: number }[] = []
  for (const [name, d] of [['ti', ti] as const, ['sm', sm] as const, ['ba', ba] as const]) {
    models.push({
      path: `${name}[0-11]`,
      macs: patch(d).macs + 12 * block.macs(d) + 5 * n * d + 1000 * d,
      parameters: patch(d).parameters + d + n * d + 12 * block.parameters(d) + 2 * d + 1000 * d + 1000,
    })
  }
  for (const [front, d, back, e] of [['ti', ti, 'sm', sm] as const, ['sm', sm, 'ba', ba] as const]) {
    const pairs: [j: number, m: number][] = [[0, 0], [0, 1], [1, 0], [1, 1]] // biome-ignore format: the first window
    for (let i = 1; i < 11; i++) pairs.push([i, i + 1], [i + 1, i], [i + 1, i + 1])
    for (const [j, m] of pairs) {
      models.push({
        path: `${front}[0-${j}]>${back}[${m}-11]`,
        macs: patch(d).macs + (j + 1) * block.macs(d) + n * d * e + (12 - m) * block.macs(e) + 1000 * e,
        parameters:
          patch(d).parameters + (j + 1) * block.parameters(d) + d * e + e + (12 - m) * block.parameters(e) + 2 * e + 1000 * e + 1000,
      })
    }
  }
  return models
}

describe('the 71 models of SN-Net', () => {
  const paths = [...family.space.enumerate()]

  it('have the published MACs and parameters, in the published order', () => {
    const models = paths.map((path) => {
      const { macs, parameters } = costOfPath(family, path, { convention: 'snnet' })
      return { path: family.space.key(path), macs, parameters }
    })
    expect(models).toEqual(publishedModels())
    expect(models).toHaveLength(71)
  })

  it.each([
    ['ti[0-11]', 1_258_411_200, 5_717_416],
    ['ti[0-0]>sm[0-11]', 4_696_010_496, 22_345_960],
    ['sm[0-11]>ba[11-11]', 6_121_909_248, 29_742_952],
  ])('%s costs what the paper prints', (text, macs, parameters) => {
    const path = paths.find((path) => family.space.key(path) === text)!
    expect(costOfPath(family, path, { convention: 'snnet' })).toMatchObject({ macs, parameters })
  })

  it('differ between the conventions by the final norm and the embedding of the front, where they are stitched', () => {
    for (const path of paths) {
      const [full, snnet] = [costOfPath(family, path), costOfPath(family, path, { convention: 'snnet' })]
      const { embedding, head } = descendantOf(family, path)
      const stitched = path.stitches.length > 0 ? 1 : 0
      expect(full.macs - snnet.macs).toBe(stitched * 5 * 197 * head.width)
      expect(full.parameters - snnet.parameters).toBe(stitched * (1 + 197) * embedding.width)
      expect(full.memory).toBe(snnet.memory)
    }
  })
})
