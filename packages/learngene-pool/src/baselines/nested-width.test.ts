import { startBackend, valuesOf } from '@learngene/testing'
import { createRng } from '@learngene/training'
import {
  costOf,
  costOfStructure,
  createTransformerBlock,
  createViT,
  disposeNetwork,
  forward,
  loadModel,
  type Network,
  type PartSpec,
  parametersOf,
  saveModel,
  structureOf,
  vitStructure,
} from '@learngene/vit-blocks'
import { dispose, memory } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { accuracies } from '../evaluate.js'
import { livelyAncestor, tinyConfig, tinyImages } from '../testing/tiny.js'
import { createNested, trainNested } from './nested-width.js'
import { trainNetwork } from './train-network.js'

const widths = [16, 4, 8, 12]
const plan = { epochs: 12, batchSize: 12, learningRate: 1e-3 }

beforeAll(() => startBackend('wasm'))

describe('the network of a nested width', () => {
  it('costs and is structured as a ViT of that width, at no memory of its own', () => {
    const nested = createNested(livelyAncestor(), { widths })
    const live = memory().numTensors
    expect(nested.widths).toEqual([4, 8, 12, 16])
    for (const width of widths) {
      const expected = vitStructure({ ...tinyConfig, width })
      expect(structureOf(nested.networkAt(width))).toEqual(expected)
      expect(costOf(nested.networkAt(width))).toEqual(costOfStructure(expected))
      expect(nested.networkAt(width)).toBe(nested.networkAt(width))
    }
    expect(memory().numTensors).toBe(live)
    nested.dispose()
  })

  it('is evaluated, and gives its intermediates, as any network', async () => {
    const before = memory().numTensors
    const nested = createNested(livelyAncestor(), { widths, gains: { 8: 1.3 } })
    const [source, networks] = [tinyImages(24), widths.map((width) => nested.networkAt(width))]
    const extracted = widths.map((width) => nested.extract(width))
    expect(await accuracies(networks, source)).toEqual(await accuracies(extracted, source))
    const images = source.images([0, 1])
    const features = ['patch_embed', 'embedding', 'attn.1', 'block.1', 'norm']
    for (const [i, network] of networks.entries()) {
      const live = memory().numTensors
      const [shared, own] = [forward(network, images, { features }), forward(extracted[i]!, images, { features })]
      expect(memory().numTensors).toBe(live + 2 * (1 + features.length))
      for (const name of features) expect(await valuesOf(shared.features[name]!), name).toEqual(await valuesOf(own.features[name]!))
      dispose([shared.logits, own.logits, shared.features, own.features])
    }
    images.dispose()
    nested.dispose()
    for (const each of extracted) disposeNetwork(each)
    expect(memory().numTensors).toBe(before)
  })

  it('is stored as what is extracted, and refuses to be stored or trained itself', async () => {
    const nested = createNested(livelyAncestor(), { widths })
    const instead = 'it is shared with the nested network: train that, or extract(8) weights of its own'
    await expect(saveModel(nested.networkAt(8))).rejects.toThrow(instead)
    await expect(trainNetwork(nested.networkAt(8), tinyImages(24), plan, createRng(1))).rejects.toThrow(instead)
    disposeNetwork(nested.networkAt(8)) // frees nothing: it owns nothing
    const extracted = nested.extract(8)
    const { network: loaded } = await loadModel(await saveModel(extracted))
    const image = tinyImages(1).images([0])
    expect(await valuesOf(forward(loaded, image).logits)).toEqual(await valuesOf(forward(nested.networkAt(8), image).logits))
    for (const each of [extracted, loaded]) disposeNetwork(each)
    nested.dispose()
  })
})

describe('the training of a nested network', () => {
  it.each([
    [1, [[4], [8], [12], [16]]],
    [2, [[4, 16]]],
    [
      3,
      [
        [4, 16, 12],
        [4, 16, 8],
      ],
    ],
    [
      9,
      [
        [4, 16, 12, 8],
        [4, 16, 8, 12],
      ],
    ],
  ])('takes %i sizes in each step: the smallest, the largest and random ones', async (sizesPerStep, expected) => {
    const nested = createNested(createViT(tinyConfig, createRng(1)), { widths })
    const drawn: number[] = []
    const watched = {
      ...nested,
      networkAt(width: number) {
        drawn.push(width)
        return nested.networkAt(width)
      },
    }
    const losses = await trainNested(watched, tinyImages(24), { ...plan, sizesPerStep }, createRng(2))
    const count = Math.min(sizesPerStep, 4)
    const steps = Array.from(losses, (_, step) => drawn.slice(drawn.length - losses.length * count).slice(step * count, (step + 1) * count))
    expect(new Set(steps.map(String))).toEqual(new Set(expected.map(String)))
    nested.dispose()
  })

  it('averages the losses and gradients of a step over its sizes', async () => {
    const alone = async (trained: readonly number[]) => {
      const nested = createNested(livelyAncestor(), { widths: [4, 16] })
      const { networkAt } = nested
      const only = { ...nested, widths: trained, networkAt }
      const [loss] = await trainNested(only, tinyImages(12), { ...plan, epochs: 1, sizesPerStep: 2 }, createRng(2))
      nested.dispose()
      return loss!
    }
    expect(await alone([4, 16])).toBeCloseTo(((await alone([4])) + (await alone([16]))) / 2, 5)
  })
})

describe('refuses in one line', () => {
  const foreign = (block: (i: number) => PartSpec) =>
    createViT({ ...tinyConfig, block }, createRng(1), {
      blocks: { other: (c, rng) => ({ ...createTransformerBlock(c, rng), kind: 'other' }) },
    })
  const spec = (kind: string, heads: number) => ({ kind, config: { width: 16, heads } })

  it.each<[string, Parameters<typeof createNested>[1], string, (() => Network)?]>([
    ['a width that the heads do not divide', { widths: [16, 7] }, 'createNested: widths must divide by the heads; got width 7 and 2 heads'],
    ['those of any block', { widths: [6] }, 'got width 6 and 4 heads', () => foreign((i) => spec('transformer', i === 2 ? 4 : 2))],
    ['a width above the network', { widths: [18] }, "createNested: widths must be integers from 1 to 16, the network's width; got 18"],
    ['half a width', { widths: [8.5] }, 'got 8.5'],
    ['a width twice', { widths: [8, 16, 8] }, 'createNested: widths must differ from each other; got 8 twice'],
    ['no width', { widths: [] }, "createNested: 'widths' must be a list of at least one integer; got []"],
    ['widths that are no list', { widths: 8 as never }, 'got 8'],
    [
      'blocks of another kind',
      { widths: [8] },
      "createNested: blocks must be transformer blocks of the embedding's width 16; block 1 is a 'other' from 16 to 16",
      () => foreign((i) => spec(i === 1 ? 'other' : 'transformer', 2)),
    ],
    ['gains of another width', { widths: [8, 16], gains: { 4: 1 } }, 'createNested: gains must be of the widths 8, 16; got some of 4'],
    [
      'too few gains',
      { widths: [8], gains: { 8: [1, 2] } },
      'createNested: the gains of a width must be a positive number, or one for each of the 9 norms; width 8 has [1, 2]',
    ],
    ['a gain that is no number', { widths: [8], gains: { 8: Number.NaN } }, 'width 8 has NaN'],
    ['a gain that is text', { widths: [8], gains: { 8: '1' as never } }, 'width 8 has 1'],
  ])('%s', (_, options, message, make = () => createViT(tinyConfig, createRng(1))) => {
    const before = memory().numTensors
    const network = make()
    const live = memory().numTensors
    expect(() => createNested(network, options)).toThrow(message)
    expect(memory().numTensors).toBe(live)
    disposeNetwork(network)
    expect(memory().numTensors).toBe(before)
  })

  it('an unknown width, and sizes that are no number of them', async () => {
    const nested = createNested(createViT(tinyConfig, createRng(1)), { widths: [8, 16] })
    const unknown = 'nested network: the width must be one of 8, 16; got 12'
    expect(() => nested.networkAt(12)).toThrow(unknown)
    expect(() => nested.extract(12)).toThrow(unknown)
    for (const sizesPerStep of [0, 1.5, Number.NaN]) {
      const training = trainNested(nested, tinyImages(24), { ...plan, sizesPerStep }, createRng(1))
      await expect(training).rejects.toThrow(`trainNested: 'sizesPerStep' must be a positive integer; got ${sizesPerStep}`)
    }
    expect(Object.keys(nested.parameters).slice(-2)).toEqual(['gains.8', 'gains.16'])
    expect(Object.keys(nested.parameters)).toHaveLength(Object.keys(parametersOf(nested.networkAt(8))).length + 2)
    nested.dispose()
  })
})
