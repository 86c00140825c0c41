import type { Reporter } from '@learngene/interfaces'
import type { BlockFactory } from '@learngene/interfaces/tensors'
import { linear } from '@learngene/ops'
import { matrixOf, product } from '@learngene/stitch/linear-algebra'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import {
  costOf,
  costOfStructure,
  createHead,
  createViT,
  disposeNetwork,
  type EmbeddingFactory,
  forward,
  type HeadFactory,
  loadModel,
  type Network,
  type PartSpec,
  parametersOf,
  saveModel,
  sidesOf,
  structureOf,
  truncatedNormal,
  type ViTConfig,
} from '@learngene/vit-blocks'
import {
  add,
  matMul,
  max,
  memory,
  reshape,
  slice,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tanh,
  tensor,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, describe, expect, it, test } from 'vitest'
import type { BlockKind } from './block-kind.js'
import { blockOrder } from './block-order.js'
import { cut, cutStructure } from './cut.js'
import { keptEnergy, orderDetails, rotatedFrom } from './principal-order.js'
import { refine } from './refine.js'
import { type RotateOptions, rotate } from './rotate.js'
import { livelyViT, patternImages, relativeError, smallConfig } from './testing/lively.js'

beforeAll(() => startBackend('wasm'))

const source = patternImages(48)

function logitsOf(network: Network, images = source): Float32Array {
  const batch = images.images(Array.from({ length: 24 }, (_, i) => i))
  const { logits } = forward(network, batch)
  batch.dispose()
  const values = logits.dataSync<'float32'>()
  logits.dispose()
  return values
}

/** Logits, or of a network without a classifier what its head would classify by. */
function outputsOf(network: Network): Float32Array {
  if (network.head.classes > 0) return logitsOf(network)
  const batch = source.images([0, 1, 2])
  const { features } = forward(network, batch, { features: ['pooled'] })
  return features.pooled!.dataSync<'float32'>()
}

test('every random ViT is the same function in principal order, and its slices err the less the wider they are', async () => {
  const sizes = fc.record({
    heads: fc.integer({ min: 1, max: 3 }),
    headWidth: fc.integer({ min: 2, max: 8 }),
    depth: fc.integer({ min: 1, max: 4 }),
    mlpRatio: fc.constantFrom(1, 2, 4),
    distilled: fc.boolean(),
    change: fc.constantFrom(
      {},
      { registerTokens: 3 },
      { classToken: false, pooling: 'average' as const },
      { pooling: 'average' as const, normAfterPooling: true, registerTokens: 1 },
      { pooling: 'tokenAverage' as const },
      { activation: 'quickGelu' as const },
    ),
    seed: fc.nat(1000),
  })
  const errors: number[][] = []
  await fc.assert(
    fc.asyncProperty(sizes, async ({ heads, headWidth, depth, mlpRatio, distilled: two, change, seed }) => {
      const width = heads * headWidth
      fc.pre(width >= 4)
      const distilled = two && Object.keys(change).length === 0
      const ancestor = livelyViT({ heads, width, depth, mlpRatio, distilled, ...change }, seed)
      const expected = logitsOf(ancestor)
      const rotated = await rotate(ancestor, source, { blockOrder: false })
      expect(relativeError(logitsOf(rotated.network), expected)).toBeLessThan(1e-5)
      const row = [4, 3, 2, 1].map((quarters) => {
        const { network } = cut(rotated, { width: Math.max(heads, 2, heads * Math.round((headWidth * quarters) / 4)) })
        const error = relativeError(logitsOf(network), expected)
        disposeNetwork(network)
        return error
      })
      errors.push(row)
      for (const each of [ancestor, rotated.network]) disposeNetwork(each)
    }),
    { numRuns: 40, seed: 1 },
  )
  const means = [0, 1, 2, 3].map((i) => errors.reduce((sum, row) => sum + row[i]!, 0) / errors.length)
  expect(means[0]).toBeLessThan(1e-5)
  expect(means[1]).toBeLessThan(means[2]!)
  expect(means[2]).toBeLessThan(means[3]!)
})

it('stops between two blocks where a signal says so while it computes, and frees what it made', async () => {
  const ancestor = livelyViT()
  const rotated = await rotate(ancestor, source, { blockOrder: false })
  const small = cut(rotated, { width: 8 })
  const before = memory().numTensors
  for (const run of [
    (options: RotateOptions) => rotate(ancestor, source, { ...options, blockOrder: false }),
    (options: RotateOptions) => refine(rotated, small, source, options),
  ]) {
    const interruption = new AbortController()
    let blocks = 0
    const report: Reporter = (event) => {
      if (event.kind !== 'progress' || event.total !== 4) return
      blocks = event.done
      setTimeout(() => interruption.abort(new Error('enough')), 0)
    }
    await expect(run({ report, signal: interruption.signal })).rejects.toThrow('enough')
    expect(blocks).toBe(1)
    expect(memory().numTensors).toBe(before)
  }
  for (const network of [ancestor, rotated.network, small.network]) disposeNetwork(network)
})

describe('an ancestor in principal order', () => {
  it('keeps the energies of its stream, leading first on the whole, and the order in which blocks can go', async () => {
    const ancestor = livelyViT()
    const { network, order } = await rotate(ancestor, source)
    expect(order.energies).toHaveLength(9)
    for (const place of order.energies) {
      expect(place).toHaveLength(15)
      expect(place.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4)
    }
    const kept = Array.from({ length: 15 }, (_, i) => keptEnergy(order, i + 2))
    expect(kept).toEqual(kept.toSorted((a, b) => a - b))
    expect(kept.at(-1)).toBe(1)
    expect(order.drops.map(({ block }) => block).sort()).toHaveLength(3)
    expect(new Set(order.drops.map(({ block }) => block)).size).toBe(3)
    for (const each of [ancestor, network]) disposeNetwork(each)
  })

  it('is an ordinary model file: saved and loaded it is cut into the same bits', async () => {
    const ancestor = livelyViT()
    const rotated = await rotate(ancestor, source)
    const loaded = await loadModel(await saveModel(rotated.network, { details: orderDetails(rotated.order) }))
    const again = rotatedFrom(loaded)!
    expect(again.order).toEqual(rotated.order)
    const [a, b] = [cut(rotated, { width: 8, depth: 2 }), cut(again, { width: 8, depth: 2 })]
    expect(b.standsFor).toEqual(a.standsFor)
    expect(logitsOf(b.network)).toEqual(logitsOf(a.network))
    expect(rotatedFrom({ ...loaded, details: {} })).toBeUndefined()
    const damaged = { energies: again.order.energies, drops: [{ block: 9, divergence: 1 }] }
    expect(() => rotatedFrom({ ...loaded, details: { principalOrder: damaged as never } })).toThrow(
      "drops must name different blocks of the model's 4",
    )
    expect(() => rotatedFrom({ ...loaded, details: { principalOrder: 'x' } })).toThrow('energies must hold 15 numbers')
    for (const each of [ancestor, rotated.network, loaded.network, a.network, b.network]) disposeNetwork(each)
  })

  it('comes out the same for the same images', async () => {
    const ancestor = livelyViT()
    const [a, b] = [await rotate(ancestor, source), await rotate(ancestor, source)]
    expect(b.order).toEqual(a.order)
    for (const [name, parameter] of Object.entries(parametersOf(a.network))) {
      expect(parametersOf(b.network)[name]!.dataSync()).toEqual(parameter.dataSync())
    }
  })
})

describe('ancestors of other kinds', () => {
  it('keep heads of a width of their own', async () => {
    const block = () => ({ kind: 'transformer', config: { width: 16, heads: 3, headWidth: 8 } })
    const ancestor = livelyViT({ block })
    const rotated = await rotate(ancestor, source, { blockOrder: false })
    expect(relativeError(logitsOf(rotated.network), logitsOf(ancestor))).toBeLessThan(1e-5)
    const half = cut(rotated, { width: 8 })
    expect(half.network.blocks[0]!.config).toMatchObject({ width: 8, heads: 3, headWidth: 4 })
    await refine(rotated, half, source)
    expect(logitsOf(half.network).every(Number.isFinite)).toBe(true)
    for (const each of [ancestor, rotated.network, half.network]) disposeNetwork(each)
  })

  it('are cut without a classifier, by how far their features move', async () => {
    const ancestor = livelyViT({ classes: 0 })
    const rotated = await rotate(ancestor, source)
    const changes = rotated.order.drops.map(({ divergence }) => divergence)
    expect(changes).toHaveLength(3)
    for (const change of changes) expect(change > 0 && change < 2).toBe(true)
    const half = cut(rotated, { width: 8, depth: 3 })
    await refine(rotated, half, source)
    expect(half.network.head.classes).toBe(0)
    for (const each of [ancestor, rotated.network, half.network]) disposeNetwork(each)
  })

  it.each<[string, Partial<ViTConfig>]>([
    ['a layer norm ends the embedding, as in CLIP', { embeddingNorm: true, registerTokens: 1 }],
    ['the head pools by attention, as in SigLIP', { pooling: 'attention', classToken: false, attentionPool: { heads: 2 } }],
    ['both, and nothing is classified', { embeddingNorm: true, pooling: 'attention', attentionPool: { heads: 4 }, classes: 0 }],
  ])('are cut where %s', async (_, change) => {
    const ancestor = livelyViT(change)
    const rotated = await rotate(ancestor, source)
    expect(relativeError(outputsOf(rotated.network), outputsOf(ancestor))).toBeLessThan(1e-5)
    const half = cut(rotated, { width: 8, depth: 3 })
    const whole = cut(rotated, {})
    expect(relativeError(outputsOf(whole.network), outputsOf(ancestor))).toBeLessThan(1e-5)
    const loose = relativeError(outputsOf(half.network), outputsOf(ancestor))
    await refine(rotated, half, source)
    expect(relativeError(outputsOf(half.network), outputsOf(ancestor))).toBeLessThan(loose)
    expect(costOf(half.network).macs).toBe(costOfStructure(cutStructure(ancestor, structureOf(half.network).blocks, 8)).macs)
    const loaded = await loadModel(await saveModel(half.network))
    expect(outputsOf(loaded.network)).toEqual(outputsOf(half.network))
    const quarter = cut(rotated, { width: 4, depth: 2 })
    expect(quarter.network.embedding.width).toBe(4)
    for (const each of [ancestor, rotated.network, half.network, whole.network, quarter.network, loaded.network]) disposeNetwork(each)
  })
})

describe('embeddings and heads of others', () => {
  /** Rows of the image as tokens; says how it writes its directions only where it is told to. */
  const rows: EmbeddingFactory = ({ squashed = false, says = false }, { geometry, width }, rng) => {
    const [height, breadth] = sidesOf(geometry.imageSize)
    const weight = truncatedNormal(rng, [breadth * geometry.channels, width], 0.05)
    const places = truncatedNormal(rng, [1, height, width], 0.05)
    const patches = (images: Tensor4D) => reshape(matMul(reshape(images, [-1, breadth * geometry.channels]), weight), [-1, height, width]) as Tensor3D // biome-ignore format: short
    return {
      kind: 'rows',
      config: { squashed, says },
      geometry,
      width,
      tokens: height,
      prefixTokens: 0,
      parameters: { 'rows.weight': weight, 'rows.places': places },
      ...(says && { writes: { 'rows.weight': 1, 'rows.places': 2 } }),
      macs: () => height * breadth * geometry.channels * width,
      liveFloats: () => height * (breadth * geometry.channels + 2 * width),
      patches,
      forward: (images) =>
        tidy(() => {
          const sum = add(patches(images), places) as Tensor3D
          return squashed ? tanh(sum) : sum
        }),
    }
  }
  /** The highest answer of any token. */
  const highest =
    (says: boolean): HeadFactory =>
    (config, place, rng) => {
      const head = createHead(place.width, place.classes, rng, place.epsilon, { pooling: 'average', prefixTokens: 0 })
      const { parameters } = head
      const { reads: _, ...rest } = head
      return {
        ...rest,
        kind: 'highest',
        config,
        ...(says && { reads: { norm: 'norm', maps: ['head'], tokens: (x) => x.clone() } }),
        forward: (x) =>
          tidy(() => {
            const each = linear(
              head.normalise(x),
              parameters['head.weight'] as unknown as Tensor2D,
              parameters['head.bias'] as unknown as Tensor1D,
            )
            return max(each, 1) as Tensor2D // [B, C]
          }),
      }
    }
  const parts = { embeddings: { rows }, heads: { highest: highest(true) } }
  const own = { head: { kind: 'highest', config: {} } }

  it.each([
    ['a linear one that says how it writes', { says: true }, undefined],
    ['one that does not say', {}, 16],
    ['one that is not linear', { squashed: true }, 16],
  ])('are rotated, cut, fitted, saved and loaded: %s', async (_, config, projectedFrom) => {
    const ancestor = livelyViT({ ...own, embedding: { kind: 'rows', config } }, 3, parts)
    const rotated = await rotate(ancestor, source, { parts })
    expect(rotated.network.embedding.projectedFrom).toBe(projectedFrom)
    expect(relativeError(logitsOf(rotated.network), logitsOf(ancestor))).toBeLessThan(1e-5)
    const half = cut(rotated, { width: 8 }, { parts })
    const loose = relativeError(logitsOf(half.network), logitsOf(ancestor))
    await refine(rotated, half, source)
    expect(relativeError(logitsOf(half.network), logitsOf(ancestor))).toBeLessThan(loose)
    const loaded = await loadModel(await saveModel(half.network), { parts })
    expect(logitsOf(loaded.network)).toEqual(logitsOf(half.network))
    await expect(loadModel(await saveModel(half.network))).rejects.toThrow(
      "unknown embedding kind 'rows'; known are none. Pass its factory: { parts: { embeddings: { 'rows': factory } } }",
    )
    for (const each of [ancestor, rotated.network, half.network, loaded.network]) disposeNetwork(each)
  })

  it('are refused where a head does not say how it reads the stream', async () => {
    const ancestor = createViT({ ...smallConfig, ...own }, createRng(3), { heads: { highest: highest(false) } })
    await expect(rotate(ancestor, source)).rejects.toThrow("the 'highest' has no member reads: { norm, maps, tokens }")
    disposeNetwork(ancestor)
  })

  it('are refused where an embedding writes along an axis that is neither first nor last', async () => {
    const wrong: EmbeddingFactory = (...given) => ({ ...rows(...given), writes: { 'rows.places': 1 } })
    const ancestor = createViT({ ...smallConfig, embedding: { kind: 'rows', config: {} }, pooling: 'average' }, createRng(3), {
      embeddings: { rows: wrong },
    })
    await expect(rotate(ancestor, source, { parts: { embeddings: { rows: wrong } } })).rejects.toThrow('it says axis 1 of rows.places')
    disposeNetwork(ancestor)
  })
})

describe('the order of blocks', () => {
  it('lets a block that does nothing go first, at no divergence', async () => {
    const ancestor = livelyViT()
    for (const name of ['attn.proj.weight', 'attn.proj.bias', 'mlp.fc2.weight', 'mlp.fc2.bias']) {
      const parameter = ancestor.blocks[2]!.parameters[name]!
      tidy(() => parameter.assign(zerosLike(parameter)))
    }
    const [first, ...others] = await blockOrder(ancestor, source)
    expect(first!.block).toBe(2)
    expect(first!.divergence).toBeCloseTo(0, 6)
    expect(others.map(({ divergence }) => divergence)).toEqual(others.map(({ divergence }) => divergence).toSorted((a, b) => a - b))
    disposeNetwork(ancestor)
  })
})

describe('a cut', () => {
  it('keeps fewer heads whole, the ones that write most, and exactly those that matter', async () => {
    const ancestor = livelyViT({ heads: 4 })
    for (const { parameters } of ancestor.blocks) {
      // Only heads 1 and 2 of 4 write anything.
      const projection = parameters['attn.proj.weight']!
      const values = projection.dataSync<'float32'>().map((value, i) => (Math.floor((i % 16) / 4) % 3 === 0 ? 0 : value))
      tidy(() => projection.assign(tensor(values, [16, 16])))
    }
    const rotated = await rotate(ancestor, source, { blockOrder: false })
    const { network } = cut(rotated, { heads: 2 })
    expect(network.blocks[0]!.config).toMatchObject({ width: 16, heads: 2 })
    expect(relativeError(logitsOf(network), logitsOf(ancestor))).toBeLessThan(1e-5)
    for (const each of [ancestor, rotated.network, network]) disposeNetwork(each)
  })

  it('refuses sizes that are not within the ancestor, in one line, and leaves nothing behind', async () => {
    const ancestor = livelyViT()
    const rotated = await rotate(ancestor, source, { blockOrder: false })
    const before = memory().numTensors
    expect(() => cut(rotated, { width: 17 })).toThrow("the width must be an integer from 2 to the ancestor's, 16; got 17")
    expect(() => cut(rotated, { width: 9 })).toThrow('the heads must divide the width')
    expect(() => cut(rotated, { width: 8, heads: 4 })).toThrow("at most the ancestor's, 2; got width 8 and 4 heads")
    expect(() => cut(rotated, { depth: 5 })).toThrow("the depth must be an integer from 1 to the ancestor's, 4; got 5")
    expect(() => cut(rotated, { depth: 2 })).toThrow('rotate with blockOrder: true, or name the blocks')
    expect(() => cut(rotated, { blocks: [2, 1] })).toThrow('blocks must be ascending indices from 0 to 3')
    expect(memory().numTensors).toBe(before)
    const { network, standsFor } = cut(rotated, { width: 8, blocks: [0, 3] })
    expect([network.blocks.length, standsFor]).toEqual([2, [0, 3]])
    await expect(refine(rotated, { network, ancestor: rotated.network, standsFor: [0, 7], keptEnergy: 1 }, source)).rejects.toThrow(
      'must be one of this ancestor of 4 blocks',
    )
    await expect(rotate(ancestor, patternImages(0))).rejects.toThrow('there must be at least one image')
    for (const each of [ancestor, rotated.network, network]) disposeNetwork(each)
  })
})

describe('a block kind of a user', () => {
  /** Adds a constant to the stream. */
  const shift: BlockFactory = ({ width }, rng) => {
    const parameters = { shift: truncatedNormal(rng, [width as number], 1) }
    const forward = (x: Tensor3D) => add(x, parameters.shift) as Tensor3D
    const sizes = {
      inputWidth: width as number,
      outputWidth: width as number,
      macs: () => 0,
      liveFloats: (tokens: number) => tokens * (width as number),
    }
    return { kind: 'shift', config: { width: width! }, parameters, forward, ...sizes }
  }
  const shiftKind: BlockKind = {
    norms: 0,
    observe: (block) => ({
      forward: async (x) => block.forward(x, {}),
      async rotate({ rotation, width }) {
        const values = matrixOf(Float64Array.from(await block.parameters.shift!.data()), width, 1)
        return { shift: { shape: [width], data: product(rotation, values).data } }
      },
    }),
    cut: (block, { width }) => ({ config: { width }, parameters: { shift: slice(block.parameters.shift!, 0, width) } }),
  }
  const mixed = (seed: number) =>
    createViT(
      {
        ...smallConfig,
        depth: 3,
        block: (i): PartSpec =>
          i === 1 ? { kind: 'shift', config: { width: 16 } } : { kind: 'transformer', config: { width: 16, heads: 2 } },
      },
      createRng(seed),
      { blocks: { shift } },
    )

  it('is refused unless it says how it is cut', async () => {
    const ancestor = mixed(1)
    await expect(rotate(ancestor, source)).rejects.toThrow(
      "block 1 is a 'shift', and only kinds that say how they are cut can be inherited: transformer; pass { kinds: { 'shift': ... } }, or start from random weights",
    )
    disposeNetwork(ancestor)
  })

  it('is rotated, cut and, where it says how, fitted with the rest', async () => {
    const ancestor = mixed(2)
    const own = { kinds: { shift: shiftKind }, parts: { blocks: { shift } } }
    const rotated = await rotate(ancestor, source, own)
    const whole = cut(rotated, {}, own)
    expect(relativeError(logitsOf(whole.network), logitsOf(ancestor))).toBeLessThan(1e-5)
    const half = cut(rotated, { width: 8 }, own)
    await refine(rotated, half, source, own)
    expect(half.network.blocks.map(({ kind, outputWidth }) => [kind, outputWidth])).toEqual([['transformer', 8], ['shift', 8], ['transformer', 8]]) // biome-ignore format: one row
    for (const each of [ancestor, rotated.network, whole.network, half.network]) disposeNetwork(each)
  })
})
