import '@tensorflow/tfjs-backend-cpu'
import { memory } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { loadModel, saveModel } from './model-file.js'
import { disposeNetwork, parametersOf } from './network.js'
import { disposeParameters } from './parameters.js'
import { buildNetwork, createBlock, standardBlocks, structureOf } from './structure.js'
import { createRng } from './testing/rng.js'
import { scaleParts, tinyConfig } from './testing/tiny.js'
import { createViT, vitStructure } from './vit.js'

describe('structure', () => {
  const structure = vitStructure(tinyConfig)

  const transformer = (width: number) => ({ kind: 'transformer', config: { width, heads: 2 } })

  it('builds what it describes', () => {
    const network = buildNetwork(structure)
    expect(structureOf(network)).toEqual(structure)
    disposeNetwork(network)
  })

  it('builds tokens and heads of every kind that it describes, and a file keeps them', async () => {
    for (const flags of [
      { distillationToken: true },
      { distillationToken: true, distillationHead: true },
      { registerTokens: 3, embeddingNorm: true },
      { classToken: false, pooling: 'average', normAfterPooling: true },
      { classToken: false, registerTokens: 1, pooling: 'attention', attentionPool: { heads: 3, mlpRatio: 2 } },
      { pooling: 'tokenAverage' },
      { classes: 0 },
      { geometry: { imageSize: [9, 14], patchSize: [4, 3], channels: 2 } },
    ] as const) {
      const network = buildNetwork({ ...structure, ...flags })
      expect(structureOf(network)).toEqual({ ...structure, ...flags })
      const { network: loaded } = await loadModel(await saveModel(network))
      expect(structureOf(loaded)).toEqual({ ...structure, ...flags })
      disposeNetwork(network)
      disposeNetwork(loaded)
    }
  })

  it('leaves random weights at zero without a generator', () => {
    const network = buildNetwork(structure)
    for (const [name, parameter] of Object.entries(parametersOf(network))) {
      const value = /norm\d?\.weight$/.test(name) ? 1 : 0
      expect([...new Set(parameter.dataSync())], name).toEqual([value])
    }
    disposeNetwork(network)
  })

  it('draws each part from a fork of its own, so that equal parts of different networks start equal', () => {
    const shallow = createViT({ ...tinyConfig, depth: 1 }, createRng(4))
    const deep = createViT(tinyConfig, createRng(4))
    const values = parametersOf(deep)
    for (const [name, parameter] of Object.entries(parametersOf(shallow))) expect(parameter.dataSync()).toEqual(values[name]!.dataSync())
    expect(values['blocks.0.mlp.fc1.weight']!.dataSync()).not.toEqual(values['blocks.1.mlp.fc1.weight']!.dataSync())
    disposeNetwork(shallow)
    disposeNetwork(deep)
  })

  it.each<[string, object, string]>([
    [
      'an unknown kind',
      { blocks: [...structure.blocks, { kind: 'mixer', config: {} }] },
      "unknown block kind 'mixer'; known are transformer, stitch, loraStitch, scale",
    ],
    ['a bad block', { blocks: [transformer(6), transformer(0)] }, "config: 'width' must be a positive number; got 0"],
    [
      'a distillation head without its token',
      { distillationHead: true },
      'network: a distillation head needs the distillation token that it classifies by; the embedding has none',
    ],
    ['a bad head', { classes: -1 }, "config: 'classes' must be a positive number; got -1"],
    [
      'blocks that do not meet',
      { blocks: [transformer(6), transformer(8)] },
      "network: block 1 ('transformer') must take the width 6 that block 0 ('transformer') gives; it takes 8",
    ],
    [
      'an embedding of another width',
      { embeddingWidth: 4 },
      "network: block 0 ('transformer') must take the width 4 that the embedding gives; it takes 6",
    ],
    ['a head of another width', { headWidth: 4 }, "network: the head must take the width 6 that block 2 ('transformer') gives; it takes 4"],
  ])('refuses %s and leaves nothing behind', (_, change, message) => {
    const before = memory().numTensors
    expect(() => buildNetwork({ ...structure, ...change }, scaleParts)).toThrow(message)
    expect(memory().numTensors).toBe(before)
  })
})

describe('createBlock', () => {
  const spec = { kind: 'transformer', config: { width: 4, heads: 1 } }

  it('builds the standard kinds, unless one of the same name is given', () => {
    const block = createBlock(spec, createRng(0))
    expect(block.kind).toBe('transformer')
    disposeParameters(block.parameters)
    const other = { ...block, parameters: {} }
    expect(createBlock(spec, createRng(0), { blocks: { transformer: () => other } })).toBe(other)
    expect(Object.keys(standardBlocks)).toEqual(['transformer', 'stitch', 'loraStitch'])
  })

  it.each(['mixer', 'constructor', '__proto__'])("refuses the unknown kind '%s' and says what is known", (kind) => {
    expect(() => createBlock({ kind, config: {} }, createRng(0), { blocks: { other: () => expect.fail('built') } })).toThrow(
      `unknown block kind '${kind}'; known are transformer, stitch, loraStitch, other. Pass its factory: { parts: { blocks: { '${kind}': factory } } }`,
    )
  })
})
