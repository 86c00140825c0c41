import '@tensorflow/tfjs-backend-cpu'
import { add, memory, ones, type Rank, type Tensor, tidy, zeros } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { createEmbedding } from './embedding.js'
import { createHead } from './head.js'
import { disposeNetwork, forward, type Network, parametersOf } from './network.js'
import { constant, countParameters, disposeParameters, parameter, prefixed, truncatedNormal, withoutWeights } from './parameters.js'
import { createRng } from './testing/rng.js'
import { createTransformerBlock } from './transformer-block.js'
import { createViT, vitStructure } from './vit.js'

describe('parameters', () => {
  it('allocates exactly what it returns', () => {
    const before = memory().numTensors
    const made = { a: parameter(Float32Array.of(1, 2), [2, 1]), b: constant(3, [2]), c: truncatedNormal(createRng(0), [2, 3]) }
    expect(memory().numTensors).toBe(before + 3)
    expect([...made.a.dataSync()]).toEqual([1, 2])
    expect([...made.b.dataSync()]).toEqual([3, 3])
    expect(countParameters(made)).toBe(10)
    expect(Object.keys(prefixed('x.', made))).toEqual(['x.a', 'x.b', 'x.c'])
    disposeParameters(made)
    expect(memory().numTensors).toBe(before)
  })

  it('draws a normal distribution cut at two deviations', () => {
    const deviation = 0.02
    const drawn = truncatedNormal(createRng(1), [400, 500])
    const values = drawn.dataSync() as Float32Array
    drawn.dispose()
    const moment = (power: number) => values.reduce((sum, value) => sum + (value / deviation) ** power, 0) / values.length
    // Of the standard normal within -2 and 2: variance 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.7737, fourth moment 3 x variance - 16 phi(2) / (2 Phi(2) - 1) = 1.4163.
    const error = 5 / Math.sqrt(values.length)
    expect(Math.abs(moment(1))).toBeLessThan(error)
    expect(Math.abs(moment(2) - 0.7737)).toBeLessThan(error)
    expect(Math.abs(moment(4) - 1.4163)).toBeLessThan(2 * error)
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    expect(largest).toBeLessThanOrEqual(Math.fround(2 * deviation))
    expect(largest).toBeGreaterThan(1.99 * deviation)
  })

  it('draws the same values from the same seed and others from another', () => {
    const draw = (seed: number, deviation?: number) => {
      const drawn = truncatedNormal(createRng(seed), [50], deviation)
      const values = [...drawn.dataSync()]
      drawn.dispose()
      return values
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    expect(draw(7, 0.04)).toEqual(draw(7).map((value) => 2 * value))
  })
})

describe('withoutWeights', () => {
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
})
