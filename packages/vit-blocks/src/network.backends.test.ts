import { describeEachBackend, expectClose, valuesOf } from '@learngene/testing'
import { add, dispose, mean, memory, slice, square, type Tensor, type Tensor3D, tensor, tidy, variableGrads } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { disposeNetwork, forward, type Network, parametersOf, runBlocks } from './network.js'
import type { PartSpec } from './structure.js'
import { createRng } from './testing/rng.js'
import { createScale, scaleParts, tinyConfig, tinyImages } from './testing/tiny.js'
import { createViT } from './vit.js'

const config = {
  ...tinyConfig,
  block: (i: number): PartSpec =>
    i === 1 ? { kind: 'scale', config: { width: 6, gain: 0.5 } } : { kind: 'transformer', config: { width: 6, heads: 2 } },
}
describeEachBackend(({ tolerances }) => {
  let network: Network
  beforeAll(() => {
    network = createViT(config, createRng(1), scaleParts)
  })
  afterAll(() => disposeNetwork(network))

  const allFeatures = ['patch_embed', 'embedding', 'block.0', 'attn.0', 'block.1', 'change.1', 'block.2', 'attn.2', 'norm']

  it('gives a result that a tidy may return', () => {
    const images = tinyImages(2, 0)
    const before = memory().numTensors
    const { logits, features } = tidy(() => forward(network, images, { features: ['block.0'] }))
    expect([logits.shape[0], features['block.0']!.shape[0]]).toEqual([2, 2])
    expect(memory().numTensors).toBe(before + 2)
    dispose([images, logits, { ...features }])
  })

  it('returns the features asked for and no others, which live until they are disposed', () => {
    const images = tinyImages(2, 0)
    const before = memory().numTensors
    for (const features of [[], ['norm'], ['attn.0', 'block.1'], allFeatures]) {
      const result = forward(network, images, { features })
      expect(Object.keys(result.features).sort()).toEqual([...features].sort())
      expect(memory().numTensors).toBe(before + 1 + features.length)
      for (const [name, feature] of Object.entries(result.features)) {
        expect(feature.shape).toEqual(name === 'patch_embed' ? [2, 4, 6] : [2, 5, 6])
        expect(feature.isDisposed).toBe(false)
      }
      dispose([result.logits, result.features])
      expect(memory().numTensors).toBe(before)
    }
    images.dispose()
  })

  it('names features by what they are', async () => {
    const images = tinyImages(2, 0)
    const { features, logits } = forward(network, images, { features: allFeatures })
    const same = async (a: Tensor, b: Tensor) => expect(await valuesOf(a)).toEqual(await valuesOf(b))
    await same(features.embedding!, network.embedding.forward(images))
    await same(features.patch_embed!, network.embedding.patches(images))
    await same(features['block.1']!, add(features['block.0']!, features['change.1']!))
    await same(features.norm!, network.head.normalise(features['block.2']!))
    await same(logits, forward(network, images).logits)
    await same(logits, network.head.forward(features['block.2']!))
  })

  it('runs image by image as in a batch', async () => {
    const images = tinyImages(3, 5)
    const together = await valuesOf(forward(network, images).logits)
    for (const i of [0, 1, 2]) {
      const one = forward(network, slice(images, [i, 0, 0, 0], [1, 8, 8, 1])).logits
      await expectClose(one, tensor([together.slice(3 * i, 3 * i + 3)]), tolerances.identity)
    }
  })

  it('refuses unknown features by name and leaves nothing behind', () => {
    const images = tinyImages(1, 0)
    const before = memory().numTensors
    expect(() => forward(network, images, { features: ['block.0', 'block.3', 'attn.1'] })).toThrow(
      'forward: the network of 3 blocks has no feature named block.3, attn.1; there are patch_embed, embedding, block.0 to block.2, what its blocks record (such as attn.0), norm and pooled',
    )
    expect(memory().numTensors).toBe(before)
    images.dispose()
  })

  it('gives the same gradients whether features are kept or freed on the way', async () => {
    const images = tinyImages(2, 3)
    const gradients = async (features: string[]) => {
      const before = memory().numTensors
      const { value, grads } = variableGrads(
        () => tidy(() => mean(square(forward(network, images, { features }).logits))),
        Object.values(parametersOf(network)),
      )
      const values = await Promise.all(Object.values(grads).map(valuesOf))
      dispose([value, grads])
      expect(memory().numTensors).toBe(before)
      return values
    }
    const freed = await gradients([])
    expect(await gradients(allFeatures)).toEqual(freed)
    expect(freed.every((values) => values.some((value) => value !== 0))).toBe(true)
    images.dispose()
  })

  it('carries gradients through features', async () => {
    const images = tinyImages(2, 3)
    const parameters = parametersOf(network)
    const { value, grads } = variableGrads(
      () => tidy(() => mean(square(forward(network, images, { features: ['attn.0'] }).features['attn.0']!))),
      Object.values(parameters),
    )
    const moved: string[] = []
    for (const [name, { name: variable }] of Object.entries(parameters)) {
      if (grads[variable] && (await valuesOf(grads[variable])).some((gradient) => gradient !== 0)) moved.push(name)
    }
    expect(moved).toContain('blocks.0.attn.proj.weight')
    expect(moved).toContain('cls_token')
    expect(moved.filter((name) => /^blocks\.[12]|mlp|norm2|^head|^norm/.test(name))).toEqual([])
    dispose([value, grads, images])
  })

  it('frees intermediates as soon as the next block has used them', () => {
    const images = tinyImages(1, 0)
    const x = tidy(() => network.embedding.forward(images))
    const before = memory().numTensors
    const alive: number[] = []
    const counting = network.blocks.map((block) => ({
      ...block,
      forward: (...args: Parameters<typeof block.forward>) => {
        alive.push(memory().numTensors - before)
        return block.forward(...args)
      },
    }))
    const output = runBlocks(counting, x)
    expect(alive).toEqual([0, 1, 1])
    expect(memory().numTensors).toBe(before + 1)
    expect(x.isDisposed).toBe(false)
    output.dispose()

    alive.length = 0
    const offered: string[] = []
    tidy(() => {
      runBlocks(counting, x, (name) => {
        offered.push(name)
        return name === 'block.0'
      })
    })
    expect(offered).toEqual(['attn.0', 'block.0', 'change.1', 'block.1', 'attn.2', 'block.2'])
    expect(alive).toEqual([0, 1, 2])
    expect(memory().numTensors).toBe(before)
    dispose([x, images])
  })

  it('asks only the blocks whose intermediates are wanted to record them', () => {
    const images = tinyImages(1, 0)
    const asked: boolean[] = []
    const watched = {
      ...network,
      blocks: network.blocks.map((block) => ({
        ...block,
        forward: (...args: Parameters<typeof block.forward>) => {
          asked.push(args[1].record !== undefined)
          return block.forward(...args)
        },
      })),
    }
    for (const [features, expected] of [
      [[], [false, false, false]],
      [
        ['block.1', 'norm'],
        [false, false, false],
      ],
      [
        ['attn.2', 'block.0'],
        [false, false, true],
      ],
    ] as const) {
      asked.length = 0
      tidy(() => void forward(watched, images, { features }))
      expect(asked).toEqual(expected)
    }
    images.dispose()
  })

  it('keeps what is offered until the enclosing tidy ends unless the taker returns false', () => {
    const x = tidy(() => network.embedding.forward(tinyImages(1, 0)))
    const before = memory().numTensors
    const taken: { [name: string]: Tensor3D } = {}
    const count = tidy(() => {
      runBlocks(network.blocks, x, (name, value) => {
        taken[name] = value
      })
      expect(Object.values(taken).every((value) => !value.isDisposed)).toBe(true)
      return memory().numTensors - before
    })
    expect(count).toBe(6)
    expect(memory().numTensors).toBe(before)
    x.dispose()
  })

  it('takes blocks that return or record their input', async () => {
    const scale = createScale({ width: 6, gain: 1 }, createRng(0))
    const same = {
      ...scale,
      forward: (input: Tensor3D, { record }: { record?(name: string, value: Tensor): void }) => {
        record?.('seen', input)
        return input
      },
    }
    const x = tidy(() => network.embedding.forward(tinyImages(1, 0)))
    const before = memory().numTensors
    expect(runBlocks([same, same], x)).toBe(x)
    const output = runBlocks([same, scale, same, same, scale], x)
    const quadrupled = (await valuesOf(x)).map((value) => 4 * value)
    await expectClose(output, quadrupled, tolerances.identity)
    expect(memory().numTensors).toBe(before + 1)
    dispose([x, output, scale.parameters])
  })

  it('names parameters as timm does', () => {
    const names = Object.keys(parametersOf(network))
    expect(names.slice(0, 5)).toEqual([
      'cls_token',
      'pos_embed',
      'patch_embed.proj.weight',
      'patch_embed.proj.bias',
      'blocks.0.norm1.weight',
    ])
    expect(names).toContain('blocks.1.gain')
    expect(names.slice(-4)).toEqual(['norm.weight', 'norm.bias', 'head.weight', 'head.bias'])
  })
})
