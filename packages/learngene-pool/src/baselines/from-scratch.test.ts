import { descendantOf } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, parametersOf, structureOf } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { beforeAll, expect, it } from 'vitest'
import { createAuxiliary } from '../auxiliary.js'
import { buildPool } from '../pool.js'
import { tinyAncestor, tinyImages } from '../testing/tiny.js'
import { trainFromScratch } from './from-scratch.js'

const plan = { epochs: 6, batchSize: 12, learningRate: 1e-2 }

beforeAll(() => startBackend('wasm'))

/** A stitched descendant's structure. */
function stitched() {
  const ancestor = tinyAncestor()
  const tiers = [8, 16].map((width) => createAuxiliary(ancestor, { width, depth: 2, heads: 2 }, createRng(1)))
  const pool = buildPool(tiers, {}, createRng(2))
  return { pool, structure: structureOf(descendantOf(pool, pool.space.at(2))) }
}

it('trains the structure of a stitched descendant from weights of its own', async () => {
  const { pool, structure } = stitched()
  expect(structure.blocks.map(({ kind }) => kind)).toEqual(['transformer', 'stitch', 'transformer', 'transformer'])
  const kept = [...pool.tiers[0]!.network.blocks[0]!.parameters['attn.qkv.weight']!.dataSync()]
  const run = () => trainFromScratch(structure, tinyImages(24), plan, createRng(3))
  const { network, losses } = await run()
  expect(structureOf(network)).toEqual(structure)
  expect(losses.at(-1)).toBeLessThan(losses[0]!)
  expect([...pool.tiers[0]!.network.blocks[0]!.parameters['attn.qkv.weight']!.dataSync()]).toEqual(kept)
  const again = await run()
  expect(again.losses).toEqual(losses)
  expect(parametersOf(again.network)['head.weight']!.dataSync()).toEqual(parametersOf(network)['head.weight']!.dataSync())
  for (const { network: made } of [again, { network }]) disposeNetwork(made)
})

it('frees the network when its training fails', async () => {
  const { structure } = stitched()
  const before = memory().numTensors
  const failing = { ...plan, learningRate: Number.NaN }
  await expect(trainFromScratch(structure, tinyImages(24), failing, createRng(3))).rejects.toThrow()
  await expect(trainFromScratch(structure, tinyImages(5), plan, createRng(3))).rejects.toThrow('at least one batch')
  expect(memory().numTensors).toBe(before)
})
