import { classTargets } from '@learngene/ops'
import { describeEachBackend, valuesOf } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork, forward, type Network, parametersOf, type ViTConfig } from '@learngene/vit-blocks'
import {
  add,
  dispose,
  mean,
  memory,
  mul,
  type Scalar,
  square,
  type Tensor,
  tensor,
  tidy,
  type Variable,
  variableGrads,
} from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { lessonsFrom } from '../lessons.js'
import type { Teacher } from '../teacher.js'
import { tinyConfig, tinyImages } from '../testing/tiny.js'
import { createNested, type NestedNetwork, trainNested } from './nested-width.js'

const heads = 2
const config = { ...tinyConfig, width: 16, depth: 2, heads, distilled: true }
const widths = [16, 8]
const gains = { 8: [1.5, 0.5, 2, 0.7, 1.2], 16: [0.8, 1.1, 1.3, 0.9, 1.4] }

const isNorm = (name: string) => /(^|\.)norm/.test(name)

/** A network in which every weight matters: none is zero or one, and logits differ from image to image. */
async function lively(changes: Partial<ViTConfig> = {}): Promise<Network> {
  const network = createViT({ ...config, ...changes }, createRng(1))
  const rng = createRng(2)
  for (const parameter of Object.values(parametersOf(network))) {
    const values = (await valuesOf(parameter)).map((value) => (parameter.rank > 1 ? 10 * value : value + 0.3 * rng.normal()))
    give(parameter, values)
  }
  return network
}

function give(parameter: Variable, values: ArrayLike<number>): void {
  tidy(() => parameter.assign(tensor(Float32Array.from(values), parameter.shape)))
}

/** Where in a wide weight the values of a leading part stand: the first of every dimension, of each head's in q, k, v and the columns of proj. */
function placesOf(name: string, narrow: readonly number[], wide: readonly number[]): number[] {
  const withinHeads = (groups: number, length: number, wideLength: number) => (i: number) => {
    const size = length / groups
    return Math.floor(i / size) * (wideLength / groups) + (i % size)
  }
  const along = narrow.map((length, dimension) => {
    if (name.includes('attn.qkv') && dimension === 0) return withinHeads(3 * heads, length, wide[0]!)
    if (name.includes('attn.proj.weight') && dimension === 1) return withinHeads(heads, length, wide[1]!)
    return (i: number) => i
  })
  return narrow.reduce<number[]>(
    (places, length, dimension) =>
      places.flatMap((place) => Array.from({ length }, (_, i) => place * wide[dimension]! + along[dimension]!(i))),
    [0],
  )
}

/** What value `i` of a leading part is multiplied by on its way into the narrow network. */
function factorOf(name: string, width: 8 | 16, i: number, size: number): number {
  const block = /blocks\.(\d)/.exec(name)
  if (isNorm(name)) return gains[width][block ? 2 * Number(block[1]) + (name.includes('norm2') ? 1 : 0) : 4]!
  return name.includes('attn.qkv') && i < size / 3 ? Math.sqrt(width / config.width) : 1
}

/** |a - b| / |b| in the Euclidean norm */
function difference(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length)
  return Math.hypot(...a.map((value, i) => value - b[i]!)) / Math.hypot(...b)
}

const logitsOf = (network: Network, images: Tensor) => valuesOf(tidy(() => forward(network, images as never).logits))

/** Gradients of a loss of the logits by parameter name, where there are any. */
async function gradientsOf(network: Network, parameters: NestedNetwork['parameters'], images: Tensor) {
  const { value, grads } = variableGrads(
    () => tidy(() => mean(square(forward(network, images as never).logits)) as Scalar),
    Object.values(parameters),
  )
  const found = new Map<string, number[]>()
  for (const [name, variable] of Object.entries(parameters)) {
    if (grads[variable.name]) found.set(name, await valuesOf(grads[variable.name]!))
  }
  dispose([value, grads])
  return found
}

describeEachBackend(({ name: backend, tolerances }) => {
  it('the part of full width is the network itself', async () => {
    const network = await lively()
    const images = tinyImages(3).images([0, 1, 2])
    const expected = await logitsOf(network, images)
    const nested = createNested(network, { widths })
    expect(difference(await logitsOf(nested.networkAt(16), images), expected)).toBeLessThanOrEqual(tolerances.identity)
    expect(difference(await logitsOf(nested.networkAt(8), images), expected)).toBeGreaterThan(1e-2)
    nested.dispose()
  })

  it.each([8, 16] as const)('width %i is the leading part of the weights, extracted or not', async (width) => {
    const nested = createNested(await lively(), { widths, gains })
    const images = tinyImages(3).images([0, 1, 2])
    const extracted = nested.extract(width)
    for (const [name, own] of Object.entries(parametersOf(extracted))) {
      const wide = nested.parameters[name]!
      const values = await valuesOf(wide)
      const places = placesOf(name, own.shape, wide.shape)
      const expected = places.map((place, i) => values[place]! * factorOf(name, width, i, places.length))
      expect(difference(await valuesOf(own), expected), name).toBeLessThanOrEqual(tolerances.identity)
    }
    const expected = await logitsOf(extracted, images)
    expect(difference(await logitsOf(nested.networkAt(width), images), expected)).toBeLessThanOrEqual(tolerances.identity)
    nested.dispose()
    expect(await logitsOf(extracted, images)).toEqual(expected)
    disposeNetwork(extracted)
  })

  it('gradients reach exactly the leading parts and the gains of the width', async () => {
    const nested = createNested(await lively(), { widths, gains })
    const images = tinyImages(3).images([0, 1, 2])
    const extracted = nested.extract(8)
    const shared = await gradientsOf(nested.networkAt(8), nested.parameters, images)
    const own = parametersOf(extracted)
    const plain = await gradientsOf(extracted, own, images)
    expect([...shared.keys()].sort()).toEqual([...Object.keys(own), 'gains.8'].sort())

    const ofGains = [0, 0, 0, 0, 0]
    for (const [name, { shape }] of Object.entries(own)) {
      const wide = nested.parameters[name]!
      const [values, gradient] = [await valuesOf(wide), plain.get(name)!]
      const expected = new Array<number>(wide.size).fill(0)
      placesOf(name, shape, wide.shape).forEach((place, i) => {
        expected[place] = gradient[i]! * factorOf(name, 8, i, gradient.length)
        const norm = gains[8].indexOf(factorOf(name, 8, i, gradient.length))
        if (isNorm(name)) ofGains[norm]! += gradient[i]! * values[place]!
      })
      const actual = shared.get(name)!
      expect(difference(actual, expected), name).toBeLessThan(1e-4)
      expect(
        actual.map((value) => value !== 0),
        name,
      ).toEqual(expected.map((value) => value !== 0))
    }
    expect(difference(shared.get('gains.8')!, ofGains)).toBeLessThan(1e-4)
    disposeNetwork(extracted)
    nested.dispose()
  })

  it('computes a network that lives in its first half, by the gain that its layer norms lack', async () => {
    const narrow = await lively({ width: 8 })
    const wide = createViT(config, createRng(3))
    const images = tinyImages(3).images([0, 1, 2])
    for (const [name, parameter] of Object.entries(parametersOf(narrow))) {
      const values = await valuesOf(parameter)
      const writes = /token|pos_embed|patch_embed|attn\.proj|fc2/.test(name)
      if (isNorm(name)) give(parameter, values.fill(name.endsWith('weight') ? 1 : 0))
      else if (writes) give(parameter, withoutMean(values, /weight/.test(name) ? values.length / 8 : 1))
      const target = parametersOf(wide)[name]!
      const filled = new Array<number>(target.size).fill(isNorm(name) && name.endsWith('weight') ? 1 : 0)
      const centred = await valuesOf(parameter)
      placesOf(name, parameter.shape, target.shape).forEach((place, i) => {
        filled[place] = centred[i]!
      })
      give(target, filled)
    }
    disposeNetwork(narrow)
    const expected = await logitsOf(wide, images)
    const nested = createNested(wide, { widths: [8], gains: { 8: Math.SQRT2 } })
    expect(difference(await logitsOf(nested.networkAt(8), images), expected)).toBeLessThan(1e-4)
    nested.dispose()
  })

  it('trains all widths together, with the same bits from the same seed, and leaves no tensor behind', async () => {
    const source = tinyImages(12)
    const knowing: Teacher = (indices) => ({ logits: mul(classTargets(source.labels(indices), 3), 4), features: {} })
    const plan = { epochs: backend === 'webgpu' ? 3 : 6, batchSize: 6, learningRate: 3e-2, teacher: knowing }
    const trained = backend === 'webgpu' ? [4, 8, 16] : [4, 8, 12, 16] // each choice of widths is recorded
    const before = memory().numTensors

    const lossesOf = async (nested: NestedNetwork) => {
      const indices = Uint32Array.from({ length: 12 }, (_, i) => i)
      const batch = { indices, ...(await source.batch(indices)) }
      const { lesson, loss } = await lessonsFrom('trainNested', source, 3, plan)
      const losses = trained.map((width) =>
        tidy(() => Object.values(loss(nested.networkAt(width), lesson(batch))).reduce((total, term) => add(total, term))),
      )
      const values = await Promise.all(losses.map(valuesOf))
      dispose([losses, batch.images, batch.targets])
      return values.flat()
    }
    const run = async () => {
      const nested = createNested(await lively({ depth: 1 }), { widths: trained })
      const start = await lossesOf(nested)
      const live = memory().numTensors
      const losses = await trainNested(nested, source, plan, createRng(5))
      expect(memory().numTensors).toBe(live)
      const end = await lossesOf(nested)
      const values = await Promise.all(Object.values(nested.parameters).map(valuesOf))
      nested.dispose()
      return { start, losses, end, values }
    }
    const first = await run()
    first.end.forEach((loss, i) => {
      expect(loss, `width ${trained[i]}`).toBeLessThan(first.start[i]! * 0.99)
    })
    expect(first.losses).toHaveLength(2 * plan.epochs)
    expect(await run()).toEqual(first)
    expect(memory().numTensors).toBe(before)
  })
})

/** Takes from each column of a matrix of 8 rows, or from each row of 8 values, its mean. */
function withoutMean(values: number[], columns: number): number[] {
  const means = new Array<number>(columns === 1 ? values.length / 8 : columns).fill(0)
  const group = (i: number) => (columns === 1 ? Math.floor(i / 8) : i % columns)
  values.forEach((value, i) => {
    means[group(i)]! += value / 8
  })
  return values.map((value, i) => value - means[group(i)]!)
}
