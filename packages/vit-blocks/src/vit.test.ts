import '@tensorflow/tfjs-backend-cpu'
import { memory } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { disposeNetwork, parametersOf } from './network.js'
import { withoutWeights } from './parameters.js'
import distilledShapes from './testing/reference/timm-deit-distilled-shapes.json' with { type: 'json' }
import deitShapes from './testing/reference/timm-deit-shapes.json' with { type: 'json' }
import { createRng } from './testing/rng.js'
import { createScale, scaleParts, tinyConfig } from './testing/tiny.js'
import { createViT, deit } from './vit.js'

it.each(['tiny', 'small', 'base'] as const)('names and shapes the tensors of DeiT-%s as timm does, in its order', (size) => {
  const network = withoutWeights(() => createViT(deit[size], createRng(0)))
  const shapes = Object.entries(parametersOf(network)).map(([name, { shape }]) => [name, shape])
  expect(shapes).toEqual(Object.entries(deitShapes[size]))
})

it('names and shapes the tensors of distilled DeiT-Ti as timm does, in its order', () => {
  const network = withoutWeights(() => createViT({ ...deit.tiny, distilled: true }, createRng(0)))
  const shapes = Object.entries(parametersOf(network)).map(([name, { shape }]) => [name, shape])
  expect(shapes).toEqual(Object.entries(distilledShapes))
})

it('gives the same weights for the same seed and others for another', () => {
  const weights = (seed: number) => {
    const network = createViT(tinyConfig, createRng(seed))
    const values = Object.values(parametersOf(network)).map((parameter) => [...parameter.dataSync()])
    disposeNetwork(network)
    return values
  }
  expect(weights(1)).toEqual(weights(1))
  expect(weights(1)).not.toEqual(weights(2))
})

it('passes its settings on to its parts', () => {
  const { blocks, head, embedding } = withoutWeights(() => createViT({ ...tinyConfig, mlpRatio: 3, epsilon: 1e-5 }, createRng(0)))
  expect(blocks.map(({ config }) => config)).toEqual(Array(3).fill({ width: 6, heads: 2, mlpRatio: 3, epsilon: 1e-5 }))
  expect([head.epsilon, head.classes, embedding.tokens]).toEqual([1e-5, 3, 5])
})

it('frees all of a network', () => {
  const before = memory().numTensors
  const network = createViT(tinyConfig, createRng(0))
  expect(memory().numTensors).toBe(before + 4 + 3 * 12 + 4)
  disposeNetwork(network)
  expect(memory().numTensors).toBe(before)
})

it.each<[object, string]>([
  [{ depth: 0 }, 'ViT: the depth must be a positive integer; got 0'],
  [{ heads: 4 }, 'transformer block: heads must divide the width; got width 6 and 4 heads'],
  [{ imageSize: 3 }, 'geometry: a patch must fit into the image; got images of 3 x 3 and patches of 4 x 4'],
  [
    { block: () => ({ kind: 'scale', config: { width: 5, gain: 1 } }) },
    "network: block 0 ('scale') must take the width 6 that the embedding gives; it takes 5",
  ],
])('refuses %j and leaves nothing behind', (change, message) => {
  const before = memory().numTensors
  expect(() => createViT({ ...tinyConfig, ...change }, createRng(0), scaleParts)).toThrow(message)
  expect(memory().numTensors).toBe(before)
})

it('refuses blocks that leave the width between them', () => {
  const before = memory().numTensors
  const blocks = {
    widen: () => ({ ...createScale({ width: 6, gain: 1 }, createRng(0)), kind: 'widen', outputWidth: 8 }),
    narrow: () => ({ ...createScale({ width: 6, gain: 1 }, createRng(0)), kind: 'narrow', inputWidth: 8 }),
  }
  const config = { ...tinyConfig, depth: 2, block: (i: number) => ({ kind: i === 0 ? 'widen' : 'narrow', config: {} }) }
  expect(() => createViT(config, createRng(0), { blocks })).toThrow(
    "createViT: blocks must map width 6 to 6; block 0 ('widen') maps 6 to 8",
  )
  expect(memory().numTensors).toBe(before)
})
