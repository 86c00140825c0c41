import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import {
  createViT,
  disposeNetwork,
  encodeSafetensors,
  forward,
  loadModel,
  type Network,
  openSafetensors,
  saveModel,
} from '@learngene/vit-blocks'
import { memory, ones, type Tensor4D } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Cascade, cascade, disposeCascade } from './cascade.js'
import { isCascadeFile, loadCascade, saveCascade } from './cascade-file.js'

const shape = { imageSize: 8, patchSize: 4, channels: 1, depth: 2, heads: 2, classes: 3 }
const network = (seed: number, width = 8) => createViT({ ...shape, width }, createRng(seed))

beforeAll(() => startBackend('wasm'))

const outputs = ({ small, large }: Pick<Cascade, 'small' | 'large'>) =>
  [small, large].map((each) => Array.from(forward(each, ones([2, 8, 8, 1]) as Tensor4D).logits.dataSync()))

function pairs(): { readonly [name: string]: () => { small: Network; large: Network } } {
  return {
    'that share their front': () => {
      const [small, other] = [network(1), network(2)]
      return { small, large: { embedding: small.embedding, blocks: [small.blocks[0]!, ...other.blocks], head: other.head } }
    },
    'that share a block at other places and the head': () => {
      const [small, other] = [network(1), network(2)]
      return { small, large: { embedding: other.embedding, blocks: [...other.blocks, small.blocks[1]!], head: small.head } }
    },
    'that share nothing': () => ({ small: network(1), large: network(2, 12) }),
    'that are the same': () => {
      const small = network(1)
      return { small, large: small }
    },
  }
}

describe('a file of two networks', () => {
  it.each(Object.entries(pairs()))('%s: gives both back, and has what they share once', async (_, make) => {
    const { small, large } = make()
    const details = { path: 'x', passedOn: 0.25 }
    const bytes = await saveCascade(cascade(small, large, 0.75, 'entropy'), { details })
    const file = await openSafetensors(bytes, { name: 'cascade' })
    const stored = [...file.tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
    const parts = new Set([small, large].flatMap(({ embedding, blocks, head }) => [embedding, ...blocks, head]))
    const sizes = [...parts].flatMap(({ parameters }) => Object.values(parameters)).map(({ size }) => size)
    expect(stored).toBe(sizes.reduce((a, b) => a + b, 0))
    expect(isCascadeFile(file)).toBe(true)

    const expected = outputs({ small, large })
    const before = memory().numTensors
    const loaded = await loadCascade(bytes)
    expect(loaded.details).toEqual(details)
    expect(loaded.cascade).toMatchObject({ threshold: 0.75, confidence: { name: 'entropy' } })
    expect(memory().numTensors - before).toBe(sizes.length)
    expect(outputs(loaded.cascade)).toEqual(expected)
    const shared = (a: Network, b: Network) => [
      a.embedding === b.embedding,
      a.head === b.head,
      b.blocks.map((block) => a.blocks.indexOf(block)),
    ]
    expect(shared(loaded.cascade.small, loaded.cascade.large)).toEqual(shared(small, large))
    const held = memory().numTensors
    disposeCascade(loaded.cascade)
    expect(held - memory().numTensors).toBe(sizes.length)
  })

  it('stores half floats, and keeps a confidence of the user’s own by its name', async () => {
    const { small, large } = pairs()['that share their front']!()
    const mine = { name: 'mine', of: (logits: ArrayLike<number>) => logits[0]! }
    const bytes = await saveCascade(cascade(small, large, 1, mine), { dtype: 'F16' })
    expect(bytes.length).toBeLessThan(0.7 * (await saveCascade(cascade(small, large, 1, mine))).length)
    const before = memory().numTensors
    await expect(loadCascade(bytes)).rejects.toThrow("got 'mine': pass its function as { confidences: { NAME: (logits) => number } }")
    expect(memory().numTensors).toBe(before)
    const { cascade: loaded } = await loadCascade(bytes, { confidences: { mine: mine.of } })
    expect(loaded.confidence).toEqual(mine)
    disposeCascade(loaded)
  })

  it('is told from other models, each by the other’s reader', async () => {
    const { small, large } = pairs()['that share nothing']!()
    const bytes = await saveCascade(cascade(small, large, 1))
    await expect(loadModel(bytes)).rejects.toThrow('it describes a cascade of two networks: read it with loadCascade of @learngene/stitch')
    await expect(loadCascade(await saveModel(small), { name: 'm.safetensors' })).rejects.toThrow(
      'm.safetensors must hold a cascade, as saveCascade writes it; it does not: read other models with loadModel',
    )
    await expect(loadCascade(encodeSafetensors([]))).rejects.toThrow('must hold a cascade')
    await expect(loadCascade(Uint8Array.of(1))).rejects.toThrow('cascade')
    disposeNetwork(small)
  })

  /** The file with another description. */
  // biome-ignore lint/suspicious/noExplicitAny: any part may change
  async function changed(change: (described: Record<string, any>) => void, of = 'that share their front', left = (_: string) => true) {
    const { small, large } = pairs()[of]!()
    const bytes = await saveCascade(cascade(small, large, 0.5))
    const file = await openSafetensors(bytes, { name: 'cascade' })
    const described = JSON.parse(file.metadata.learngene!)
    change(described)
    const tensors = await Promise.all(
      Array.from(file.tensors, async ([name, { shape }]) => ({ name, shape: [...shape], data: await file.readFloat32(name) })),
    )
    return encodeSafetensors(
      tensors.filter(({ name }) => left(name)),
      { metadata: { learngene: JSON.stringify(described) } },
    )
  }

  it.each(Object.keys(pairs()))('%s: where a tensor is missing it is refused, and nothing stays', async (of) => {
    const bytes = await changed(
      () => {},
      of,
      (name) => name !== 'small.head.norm.weight' && name !== 'small.norm.weight',
    )
    const before = memory().numTensors
    await expect(loadCascade(bytes)).rejects.toThrow('norm.weight')
    expect(memory().numTensors).toBe(before)
  })

  it('is told by an object with a cascade in its metadata, whatever else these hold', () => {
    const told = (learngene?: string) => isCascadeFile({ metadata: learngene === undefined ? {} : { learngene } })
    expect([told(), told('null'), told('7'), told('{'), told('{"details":{}}')]).toEqual([false, false, false, false, false])
    expect(told('{"cascade":null}')).toBe(true)
  })

  it('may do without details', async () => {
    const bytes = await changed((all) => {
      delete all.details
    })
    const loaded = await loadCascade(bytes)
    expect(loaded.details).toEqual({})
    disposeCascade(loaded.cascade)
  })

  it.each<[string, Parameters<typeof changed>[0], string]>([
    [
      'schema',
      (all) => {
        all.schema = 2
      },
      'its schema must be 1, as this version writes it; got 2',
    ],
    [
      'threshold',
      ({ cascade }) => {
        cascade.threshold = '1'
      },
      'cascade.threshold must be a number',
    ],
    [
      'confidence',
      ({ cascade }) => {
        cascade.confidence = 3
      },
      'cascade.threshold must be a number and cascade.confidence a name',
    ],
    [
      'details',
      (all) => {
        all.details = 3
      },
      'details must be',
    ],
    [
      'pair of three',
      ({ cascade }) => {
        cascade.common.blocks = [[0, 0, 0]]
      },
      'cascade.common.blocks[0] must be the numbers of two blocks that are alike',
    ],
    [
      'pair of one',
      ({ cascade }) => {
        cascade.common.blocks = [[0]]
      },
      'cascade.common.blocks[0] must be the numbers of two blocks that are alike',
    ],
    [
      'pair that is a number',
      ({ cascade }) => {
        cascade.common.blocks = [0]
      },
      'cascade.common.blocks[0] must be the numbers of two blocks that are alike',
    ],
    [
      'pair with half a number',
      ({ cascade }) => {
        cascade.common.blocks = [[0.5, 0]]
      },
      'cascade.common.blocks[0] must be the numbers of two blocks that are alike',
    ],
    [
      'pair with half a second number',
      ({ cascade }) => {
        cascade.common.blocks = [[0, 0.5]]
      },
      'cascade.common.blocks[0] must be the numbers of two blocks that are alike',
    ],
    [
      'flag',
      ({ cascade }) => {
        cascade.common.embedding = 1
      },
      'cascade.common.embedding',
    ],
    [
      'flag of the head',
      ({ cascade }) => {
        cascade.common.head = 1
      },
      'cascade.common.head',
    ],
    [
      'embedding that is the same and not alike',
      ({ cascade }) => {
        cascade.large.classes = 4
      },
      'embeddings and heads that are the same must be alike',
    ],
    [
      'width of an embedding that is the same',
      ({ cascade }) => {
        cascade.large.embeddingWidth = 12
      },
      'embeddings and heads that are the same must be alike',
    ],
    [
      'width of a head that is the same',
      ({ cascade }) => {
        cascade.common = { embedding: false, head: true, blocks: [] }
        cascade.large.headWidth = 12
      },
      'embeddings and heads that are the same must be alike',
    ],
    [
      'structure',
      ({ cascade }) => {
        cascade.large.blocks = 7
      },
      'cascade.large.blocks',
    ],
    [
      'pairs that are none',
      ({ cascade }) => {
        cascade.common.blocks = [['length', 'length']]
      },
      'cascade.common.blocks[0] must be the numbers of two blocks that are alike',
    ],
    [
      'pairs that are not there',
      ({ cascade }) => {
        cascade.common.blocks = [[0, 9]]
      },
      'cascade.common.blocks[0] must be the numbers of two blocks',
    ],
    [
      'pairs that are not alike',
      ({ cascade }) => {
        cascade.small.blocks[0].config.heads = 4
      },
      'must be the numbers of two blocks that are alike',
    ],
    [
      'more that is the same',
      ({ cascade }) => {
        cascade.common.blocks.push([1, 2])
      },
      'large.blocks.2',
    ],
    [
      'a head that is the same and not alike',
      ({ cascade }) => {
        cascade.common.head = true
        cascade.large.classes = 4
      },
      'embeddings and heads that are the same must be alike',
    ],
    [
      'classes',
      ({ cascade }) => {
        cascade.common.embedding = false
        cascade.large.classes = 4
      },
      'head',
    ],
  ])('with another %s is refused, and nothing stays', async (_, change, message) => {
    const bytes = await changed(change)
    const before = memory().numTensors
    await expect(loadCascade(bytes, { name: 'c' })).rejects.toThrow(message)
    expect(memory().numTensors).toBe(before)
  })
})
