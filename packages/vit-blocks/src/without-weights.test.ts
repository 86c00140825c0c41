import '@tensorflow/tfjs-backend-cpu'
import { add, memory, ones, type Rank, type Tensor, tidy, zeros } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { createEmbedding } from './embedding.js'
import { createHead } from './head.js'
import { disposeNetwork, forward, type Network, parametersOf } from './network.js'
import { constant, countParameters, parameter, truncatedNormal } from './parameters.js'
import { createRng } from './testing/rng.js'
import { createTransformerBlock } from './transformer-block.js'
import { createViT, vitStructure } from './vit.js'
import { withoutWeights } from './without-weights.js'

const tiny = { imageSize: 8, patchSize: 4, channels: 1, width: 6, depth: 2, heads: 2, classes: 3 }

it('gives shapes and sizes, draws nothing and allocates nothing', () => {
  const before = memory().numTensors
  const rng = createRng(0)
  const undrawn = { ...rng, normal: () => expect.fail('drew a number') }
  const made = withoutWeights(() => ({ a: constant(1, [2, 3]), b: truncatedNormal(undrawn, [4]), c: parameter(new Float32Array(1), []) }))
  expect(Object.values(made).map(({ shape, size, rank }) => [shape, size, rank])).toEqual([
    [[2, 3], 6, 2],
    [[4], 4, 1],
    [[], 1, 0],
  ])
  expect(countParameters(made)).toBe(11)
  for (const each of Object.values(made)) each.dispose()
  expect(memory().numTensors).toBe(before)
})

it('counts a network as the same one with weights', () => {
  const built = createViT(tiny, createRng(0))
  const planned = withoutWeights(() => createViT(tiny, createRng(0)))
  const shapes = ({ blocks, embedding, head }: typeof built) =>
    Object.entries(parametersOf({ blocks, embedding, head })).map(([name, { shape }]) => [name, shape])
  expect(shapes(planned)).toEqual(shapes(built))
})

it('refuses to run what has no weights', () => {
  const network = withoutWeights(() => createViT(tiny, createRng(0)))
  const before = memory().numTensors
  const images = zeros<Rank.R4>([1, 8, 8, 1])
  const message = /made withoutWeights has a shape, \[.*\], but no values.*build the network outside of it to run it/
  expect(() => forward(network, images)).toThrow(message)
  expect(() => add(network.head.parameters['head.bias'] as Tensor, 1)).toThrow(message)
  const advised = withoutWeights(() => constant(1, [2]), 'ask its owner')
  expect(() => advised.dataSync()).toThrow("has a shape, [2], but no values, so 'dataSync' cannot be used; ask its owner")
  images.dispose()
  expect(memory().numTensors).toBe(before)
})

it('runs parts that read their weights elsewhere, each time anew', () => {
  const config = { ...tiny, distilled: true }
  const { geometry, classes, epsilon, blocks, ...tokens } = vitStructure(config)
  const sources = [createViT(config, createRng(0)), createViT(config, createRng(1))] as const
  let source: Network = sources[0]
  const network = withoutWeights(() => ({
    embedding: createEmbedding(geometry, 6, createRng(2), { ...tokens, read: (name) => source.embedding.parameters[name]! }),
    blocks: blocks.map(({ config }, i) => createTransformerBlock(config, createRng(2), (name) => source.blocks[i]!.parameters[name]!)),
    head: createHead(6, classes, createRng(2), epsilon, { ...tokens, read: (name) => source.head.parameters[name]! }),
  }))
  const images = ones<Rank.R4>([1, 8, 8, 1])
  const logitsOf = (network: Network) => tidy(() => [...forward(network, images).logits.dataSync()])
  const seen = sources.map((each) => {
    source = each
    expect(logitsOf(network)).toEqual(logitsOf(each))
    return logitsOf(each)
  })
  expect(seen[0]).not.toEqual(seen[1])
  for (const each of sources) disposeNetwork(each)
  images.dispose()
})

it('ends with the function, also when that throws', () => {
  expect(() =>
    withoutWeights(() => {
      withoutWeights(() => {})
      expect(constant(0, [1]).isDisposed).toBe(false)
      throw new Error('stop')
    }),
  ).toThrow('stop')
  const real = constant(7, [1])
  expect([...real.dataSync()]).toEqual([7])
  real.dispose()
})
