import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, type Network, parametersOf } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { tinyAncestor, tinyImages } from '../testing/tiny.js'
import { inheritLearngene, trainLearngene } from './learngene.js'

let ancestor: Network
const values = (network: Network, prefix: string) =>
  Object.entries(parametersOf(network))
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, parameter]) => [name.slice(prefix.length), [...parameter.dataSync()]])

beforeAll(async () => {
  await startBackend('wasm')
  ancestor = tinyAncestor()
})

describe('a vanilla Learngene descendant', () => {
  it.each([
    [3, 3],
    [6, 3],
    [5, 4],
  ])('of depth %i ends with the last %i blocks of the ancestor, behind fresh ones', (depth, inherited) => {
    const network = inheritLearngene(ancestor, { depth, inherited }, createRng(5))
    expect(network.blocks).toHaveLength(depth)
    for (let i = 1; i <= inherited; i++) expect(values(network, `blocks.${depth - i}.`)).toEqual(values(ancestor, `blocks.${4 - i}.`))
    for (let i = 0; i < depth - inherited; i++) {
      const { 'attn.qkv.weight': fresh } = network.blocks[i]!.parameters
      for (const { parameters } of ancestor.blocks)
        expect([...fresh!.dataSync()]).not.toEqual([...parameters['attn.qkv.weight']!.dataSync()])
    }
    for (const name of ['patch_embed.proj.weight', 'head.weight']) expect(values(network, name)).not.toEqual(values(ancestor, name))
    disposeNetwork(network)
  })

  it('is trained whole, and leaves the ancestor as it was', async () => {
    const before = memory().numTensors
    const kept = values(ancestor, '')
    const plan = { epochs: 6, batchSize: 12, learningRate: 1e-2 }
    const { network, losses } = await trainLearngene(ancestor, { depth: 4 }, tinyImages(24), plan, createRng(5))
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
    expect(values(network, 'blocks.3.')).not.toEqual(values(ancestor, 'blocks.3.'))
    expect(values(ancestor, '')).toEqual(kept)
    expect(forward(network, tinyImages(2).images([0, 1])).logits.shape).toEqual([2, 3])
    disposeNetwork(network)
    expect(memory().numTensors).toBe(before + 2)
  })

  it.each([
    [{ depth: 2 }, "learngene: 'depth' must be an integer of at least 3, the number of inherited blocks; got 2"],
    [{ depth: 4, inherited: 5 }, "learngene: 'inherited' must be an integer from 1 to 4, the depth of the ancestor; got 5"],
    [{ depth: 4, inherited: 0 }, 'got 0'],
  ])('is refused where %j cannot be', (spec, message) => {
    const before = memory().numTensors
    expect(() => inheritLearngene(ancestor, spec, createRng(5))).toThrow(message)
    expect(memory().numTensors).toBe(before)
  })
})
