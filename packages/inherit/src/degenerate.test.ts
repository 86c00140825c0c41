import { startBackend } from '@learngene/testing'
import { disposeNetwork, forward, type Network, parametersOf } from '@learngene/vit-blocks'
import { fill, memory, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { cut } from './cut.js'
import { refine } from './refine.js'
import { rotate } from './rotate.js'
import { livelyViT, patternImages, relativeError } from './testing/lively.js'

beforeAll(() => startBackend('wasm'))

const source = patternImages(24)
const logitsOf = (network: Network) =>
  tidy(() =>
    forward(network, source.images([0, 1, 2]))
      .logits.dataSync<'float32'>()
      .slice(),
  )

function fillWith(network: Network, value: number, names: RegExp): void {
  for (const [name, parameter] of Object.entries(parametersOf(network))) {
    if (names.test(name)) tidy(() => parameter.assign(fill(parameter.shape, value)))
  }
}

describe('an ancestor parts of which are dead', () => {
  it.each<[string, number, RegExp, bound?: number]>([
    ['all tokens alike', 1, /^(patch_embed|cls_token|pos_embed)/],
    ['all tokens 0', 0, /^(patch_embed|cls_token|pos_embed)/],
    ['blocks that do nothing', 0, /^blocks/],
    ['norms that are shut', 0, /norm[12]\.weight$/],
    ['perceptrons without inputs', 0, /mlp\.fc1/, 0.21], // a ridge that serves images held out is not the nearest on those that it is fitted to
    ['heads without queries, keys and values', 0, /attn\.qkv/],
    ['heads that write nothing', 0, /attn\.proj\.weight/],
  ])('%s: stays the same function, and is cut and fitted', async (_, value, names, bound = 0.2) => {
    const ancestor = livelyViT()
    fillWith(ancestor, value, names)
    const rotated = await rotate(ancestor, source)
    expect(relativeError(logitsOf(rotated.network), logitsOf(ancestor))).toBeLessThan(1e-5)
    const small = cut(rotated, { width: 8, depth: 2 })
    await refine(rotated, small, source)
    expect(relativeError(logitsOf(small.network), logitsOf(ancestor))).toBeLessThan(bound)
    for (const each of [ancestor, rotated.network, small.network]) disposeNetwork(each)
  })

  it('has nothing to say with weights of 0, which a cut says too', async () => {
    const ancestor = livelyViT()
    fillWith(ancestor, 0, /./)
    const rotated = await rotate(ancestor, source)
    const small = cut(rotated, { width: 8, depth: 2 })
    await refine(rotated, small, source)
    expect([...logitsOf(small.network)]).toEqual(Array(9).fill(0))
    for (const each of [ancestor, rotated.network, small.network]) disposeNetwork(each)
  })

  it('is refused by the name of a weight that is no number', async () => {
    const ancestor = livelyViT()
    fillWith(ancestor, Number.NaN, /^blocks\.1\.mlp\.fc1\.weight/)
    const before = memory().numTensors
    await expect(rotate(ancestor, source)).rejects.toThrow('blocks.1.mlp.fc1.weight holds NaN or Infinity')
    expect(memory().numTensors).toBe(before)
    disposeNetwork(ancestor)
  })
})

it('watched on a single image, an ancestor is the same function on all others too', async () => {
  const ancestor = livelyViT()
  const rotated = await rotate(ancestor, source, { indices: [7] })
  expect(relativeError(logitsOf(rotated.network), logitsOf(ancestor))).toBeLessThan(1e-5)
  for (const each of [ancestor, rotated.network]) disposeNetwork(each)
})

it('keeps as many hidden units as it is asked to, at least one', async () => {
  const ancestor = livelyViT()
  const rotated = await rotate(ancestor, source, { blockOrder: false })
  const units = (size: Parameters<typeof cut>[1]) => {
    const { network } = cut(rotated, size)
    const { shape } = network.blocks[0]!.parameters['mlp.fc1.weight']!
    disposeNetwork(network)
    return shape
  }
  expect(units({ width: 8, mlpRatio: 1 })).toEqual([8, 8])
  expect(units({ width: 8, mlpRatio: 8 })).toEqual([64, 8])
  expect(units({ width: 2, mlpRatio: 0.1 })).toEqual([1, 2])
  for (const each of [ancestor, rotated.network]) disposeNetwork(each)
})

it('wherever the images fail or the signal aborts, no tensor stays', async () => {
  const ancestor = livelyViT({ depth: 3 })
  const before = memory().numTensors
  let ended = false
  for (let last = 0; !ended; last++) {
    for (const kind of ['images', 'signal']) {
      let calls = 0
      const controller = new AbortController()
      const fail = () => {
        if (calls++ !== last) return
        controller.abort(new Error('broken'))
        if (kind === 'images') throw new Error('broken')
      }
      const failing = async (indices: ArrayLike<number>) => {
        fail()
        return source.batch(indices)
      }
      const images = kind === 'images' ? { ...source, batch: failing } : source
      const options = { batchSize: 12, signal: controller.signal, ...(kind === 'signal' && { report: fail }) }
      const made: Network[] = []
      const run = async () => {
        const rotated = await rotate(ancestor, images, options)
        made.push(rotated.network)
        const small = cut(rotated, { width: 8, depth: 2 })
        made.push(small.network)
        await refine(rotated, small, images, options)
      }
      const outcome = await run().then(
        () => 'done',
        (error) => error.message,
      )
      for (const network of made) disposeNetwork(network)
      expect(memory().numTensors).toBe(before)
      if (kind === 'images') ended = outcome === 'done'
      if (outcome !== 'done') expect(outcome).toBe('broken')
    }
  }
  disposeNetwork(ancestor)
})

it('an error in the middle of a fit leaves the cut and the ancestor alone in memory', async () => {
  const ancestor = livelyViT()
  const rotated = await rotate(ancestor, source, { blockOrder: false })
  const small = cut(rotated, { width: 8 })
  fillWith(rotated.network, Number.NaN, /^blocks\.2\.mlp\.fc2\.weight/)
  const before = memory().numTensors
  await expect(refine(rotated, small, source)).rejects.toThrow('finite numbers')
  expect(memory().numTensors).toBe(before)
  for (const each of [ancestor, rotated.network, small.network]) disposeNetwork(each)
})

it('a fit is the same when it is repeated', async () => {
  const ancestor = livelyViT()
  const rotated = await rotate(ancestor, source, { blockOrder: false })
  const small = cut(rotated, { width: 8 })
  await refine(rotated, small, source)
  const once = logitsOf(small.network)
  await refine(rotated, small, source)
  expect(logitsOf(small.network)).toEqual(once)
  for (const each of [ancestor, rotated.network, small.network]) disposeNetwork(each)
})
