import type { Block } from '@learngene/interfaces/tensors'
import { startBackend } from '@learngene/testing'
import { createViT, disposeNetwork, forward, type Network } from '@learngene/vit-blocks'
import { memory, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { forwardShared, sharedMacs } from './shared-forward.js'
import { uniformArray } from './testing/matrices.js'
import { weightRng } from './testing/paths.js'

const config = { imageSize: 8, patchSize: 4, channels: 1, width: 4, depth: 3, heads: 2, classes: 3 } as const

describe('networks that share blocks', () => {
  const made: Network[] = []
  let networks: Network[]
  let images: Tensor4D
  /** How often each part ran. */
  const runs = new Map<object, number>()
  const counted = <Part extends Block | Network['embedding']>(part: Part): Part => ({
    ...part,
    forward(...args: never[]) {
      runs.set(part, (runs.get(part) ?? 0) + 1)
      return (part.forward as (...args: never[]) => unknown)(...args)
    },
  })

  beforeAll(async () => {
    await startBackend('cpu')
    const [a, b] = [1, 2].map((seed): Network => {
      const network = createViT(config, weightRng(seed))
      made.push(network)
      return { embedding: counted(network.embedding), blocks: network.blocks.map(counted), head: network.head }
    }) as [Network, Network]
    // Two that part after two blocks, one of them once more, one that ends where they part, and one apart.
    const parted: Network = { embedding: a.embedding, blocks: [...a.blocks.slice(0, 2), b.blocks[2]!], head: b.head }
    const short: Network = { embedding: a.embedding, blocks: a.blocks.slice(0, 2), head: a.head }
    networks = [a, parted, b, short, { ...parted, head: a.head }]
    images = tensor4d(uniformArray(2 * 64, 3), [2, 8, 8, 1])
  })
  afterAll(() => {
    images.dispose()
    for (const network of made) disposeNetwork(network)
  })

  it('give their own logits, while what they share runs once and nothing stays allocated', async () => {
    const expected = networks.map((network) => {
      const { logits } = forward(network, images)
      const values = [...logits.dataSync()]
      logits.dispose()
      return values
    })
    runs.clear()
    const before = memory().numTensors
    const found: number[][] = []
    forwardShared(networks, images, (index, logits) => {
      expect(found[index]).toBeUndefined()
      found[index] = [...logits.dataSync()]
    })
    expect(memory().numTensors).toBe(before)
    expect(found).toEqual(expected)
    // Two embeddings; of the first trunk two blocks, a's last, b's last behind it; b's own three, of which the last is its second run.
    expect([...runs.values()].reduce((sum, each) => sum + each, 0)).toBe(2 + 4 + 3)
    expect(Math.max(...runs.values())).toBe(2)
  })

  it('cost what runs', () => {
    const [a] = networks as [Network]
    const { tokens } = a.embedding
    const [embedding, block, head] = [a.embedding.macs(), a.blocks[0]!.macs(tokens), a.head.macs(tokens)]
    expect(sharedMacs(networks)).toBe(2 * embedding + 7 * block + 5 * head)
    expect(sharedMacs([a])).toBe(embedding + 3 * block + head)
    expect(sharedMacs([])).toBe(0)
  })
})
