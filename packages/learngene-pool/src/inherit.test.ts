import { embeddingOf } from '@learngene/inherit'
import { aligned, descendantOf, formatPath, initialiseStitches, learned, shapeOfTier } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork, forward, type Network, parametersOf } from '@learngene/vit-blocks'
import { mean, memory, square, tidy, zeros } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDistillation, distill } from './distill.js'
import { fineTune } from './fine-tune.js'
import { ancestorTier, type Inheritance, inherit, inheritTiers, openInheritance } from './inherit.js'
import { costBins, sandwich } from './path-policy.js'
import { buildPool, disposePool } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'
import { liveTeacher } from './teacher.js'
import { livelyAncestor, tinyConfig, tinyImages } from './testing/tiny.js'

const source = tinyImages(48)
const half = { width: 8, depth: 4, heads: 2 }
let ancestor: Network
let inheritance: Inheritance

beforeAll(async () => {
  await startBackend('wasm')
  ancestor = livelyAncestor()
  inheritance = await openInheritance(ancestor, source)
})

afterAll(() => {
  inheritance.dispose()
  disposeNetwork(ancestor)
})

const logitsOf = (network: Network) =>
  tidy(() =>
    forward(network, source.images([0, 1, 2, 3, 4, 5]))
      .logits.dataSync<'float32'>()
      .slice(),
  )
const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!)) / Math.hypot(...b)
const valuesOf = (network: Network) => Object.values(parametersOf(network)).map((parameter) => parameter.dataSync().slice())

describe('an inherited tier', () => {
  it('knows what its blocks stand for and how its stream leads back to the ancestor', async () => {
    const before = memory().numTensors
    const tier = await inherit(ancestor, { ...half, depth: 2 }, source, { from: inheritance })
    expect([tier.name, tier.network.embedding.width, tier.network.blocks.length]).toEqual(['w8d2', 8, 2])
    expect(tier.standsFor).toHaveLength(2)
    expect(tier.transformations.map(({ ancestorPosition, position }) => [position, ancestorPosition])).toEqual([
      ...tier.standsFor!.entries(),
    ])
    const { basis } = inheritance.rotated
    const embedding = embeddingOf(basis, 8)
    expect(tier.transformations[0]!.map.weight[3 * 8 + 5]).toBeCloseTo(embedding.data[5 * 16 + 3]!, 6)
    disposeNetwork(tier.network)
    expect(memory().numTensors).toBe(before)
  })

  it('of full size is the ancestor', async () => {
    const tier = await inherit(ancestor, {}, source)
    expect(distance(logitsOf(tier.network), logitsOf(ancestor))).toBeLessThan(1e-5)
    disposeNetwork(tier.network)
  })

  it('is what distill starts from, and with 0 epochs what it gives', async () => {
    const before = memory().numTensors
    const plan = { epochs: 0, batchSize: 12, learningRate: 1e-3 }
    const { tier, losses } = await distill(ancestor, half, source, { ...plan, inheritance }, createRng(1))
    const inherited = await inherit(ancestor, half, source, { from: inheritance })
    expect(losses).toHaveLength(0)
    expect(valuesOf(tier.network)).toEqual(valuesOf(inherited.network))
    expect(tier.standsFor).toEqual(inherited.standsFor)
    expect(tier.transformations).toEqual(inherited.transformations)
    const alone = await distill(ancestor, half, source, plan, createRng(2))
    expect(valuesOf(alone.tier.network)).toEqual(valuesOf(inherited.network))
    for (const { network } of [tier, inherited, alone.tier]) disposeNetwork(network)
    expect(memory().numTensors).toBe(before)
  })

  it('comes nearer to the ancestor when it is distilled, every block taught by the one it stands for', async () => {
    const plan = { epochs: 6, batchSize: 12, learningRate: 2e-3, labelWeight: 0 }
    const { tier, losses } = await distill(ancestor, half, source, { ...plan, inheritance }, createRng(1))
    expect(losses.at(-1)).toBeLessThan(losses[0]!)
    expect(tier.transformations.map(({ ancestorPosition }) => ancestorPosition)).toEqual([0, 1, 2, 3])
    disposeNetwork(tier.network)
  })

  it('is refused in one line where it cannot be', async () => {
    const plan = { epochs: 0, batchSize: 12, learningRate: 1e-3 }
    const before = memory().numTensors
    await expect(inherit(ancestor, { width: 32 }, source, { from: inheritance })).rejects.toThrow("from 2 to the ancestor's, 16; got 32")
    await expect(distill(ancestor, { ...half, depth: 5 }, source, plan, createRng(1))).rejects.toThrow("from 1 to the ancestor's, 4; got 5")
    await expect(distill(ancestor, half, source, { ...plan, start: 'cold' as never }, createRng(1))).rejects.toThrow(
      "start must be 'inherit', 'random' or a tier; got 'cold'",
    )
    const block = () => ({ kind: 'transformer', config: { width: 8, heads: 2 } })
    await expect(distill(ancestor, { ...half, block }, source, { ...plan, start: 'inherit' }, createRng(1))).rejects.toThrow(
      "starts from random weights: leave it out, or take start: 'random'",
    )
    expect(memory().numTensors).toBe(before)
  })
})

describe('mistakes in inheriting are told in one line, and no tensor stays', () => {
  const wrong = (value: unknown) => value as never
  const plan = { epochs: 0, batchSize: 12, learningRate: 1e-3 }
  it.each<[string, () => Promise<unknown>, string]>([
    ['a misspelt size', () => inherit(ancestor, wrong({ widht: 8 }), source, { from: inheritance }), "inherit: there is no option 'widht'"],
    ['a misspelt size in distill', () => distill(ancestor, wrong({ widht: 8 }), source, { ...plan, inheritance }, createRng(1)), "'widht'"],
    [
      'a misspelt size of several',
      () => inheritTiers(ancestor, [half, wrong({ widht: 8 })], source),
      "inheritTiers: there is no option 'widht'",
    ],
    [
      'a misspelt option',
      () => inherit(ancestor, half, source, wrong({ from: inheritance, fitt: false })),
      "inherit: there is no option 'fitt'",
    ],
    ['null for options', () => inheritTiers(ancestor, [half], source, wrong(null)), 'inheritTiers: options must be an object; got null'],
    [
      'a number for a group',
      () => inheritTiers(ancestor, [half], source, { group: wrong(5) }),
      'inheritTiers: group must be an object; got 5',
    ],
    ['blocks and another depth', () => inherit(ancestor, { ...half, blocks: [0, 1] }, source, { from: inheritance }), 'disagree'],
    [
      'text for blocks',
      () => inherit(ancestor, { width: 8, blocks: wrong('01') }, source),
      "blocks must be a list of indices, for example [0, 2]; got '01'",
    ],
    ['the ancestor for from', () => inherit(ancestor, half, source, { from: wrong(ancestor) }), 'from must be what openInheritance gave'],
    ['one impossible of several', () => inheritTiers(ancestor, [half, { width: 99 }], source), "from 2 to the ancestor's, 16; got 99"],
  ])('%s', async (_, call, message) => {
    const before = memory().numTensors
    await expect(call()).rejects.toThrow(message)
    expect(memory().numTensors).toBe(before)
  })

  it('an inheritance of another ancestor, or one that was disposed', async () => {
    const twin = livelyAncestor()
    const other = 'from must be of this ancestor; it was opened for another network'
    await expect(inherit(twin, half, source, { from: inheritance })).rejects.toThrow(`inherit: ${other}`)
    await expect(inheritTiers(twin, [half], source, { from: inheritance })).rejects.toThrow(`inheritTiers: ${other}`)
    await expect(distill(twin, half, source, { ...plan, inheritance }, createRng(1))).rejects.toThrow(other)
    const closed = await openInheritance(twin, source, { blockOrder: false })
    closed.dispose()
    await expect(inherit(twin, half, source, { from: closed })).rejects.toThrow('from was disposed')
    disposeNetwork(twin)
  })

  it('a tier to start from that is of another ancestor', async () => {
    const startFrom = (config: Partial<typeof tinyConfig>) => {
      const other = createViT({ ...tinyConfig, ...config }, createRng(1))
      const start = ancestorTier(other)
      disposeNetwork(other)
      return distill(ancestor, half, source, { ...plan, start }, createRng(1)).finally(() => disposeNetwork(start.network))
    }
    const before = memory().numTensors
    await expect(startFrom({ classes: 5 })).rejects.toThrow(
      "start must see the ancestor's images and classes, images 8 x 8 x 1, 5 tokens and 3",
    )
    await expect(startFrom({ width: 24 })).rejects.toThrow('the matrices of w24d4 lead to a width of 24, not 16')
    expect(memory().numTensors).toBe(before)
  })
})

it('perceptrons are as wide as the specification says, inherited or not', async () => {
  const plan = { epochs: 0, batchSize: 12, learningRate: 1e-3, inheritance }
  for (const start of ['inherit', 'random'] as const) {
    const { tier } = await distill(ancestor, { ...half, mlpRatio: 2 }, source, { ...plan, start }, createRng(1))
    expect(tier.network.blocks[0]!.parameters['mlp.fc1.weight']!.shape).toEqual([16, 8])
    disposeNetwork(tier.network)
  }
})

it('a tier of full width with fewer heads is fitted too', async () => {
  const [slice, fitted] = await inheritTiers(ancestor, [{ heads: 1 }], source, { from: inheritance, fit: false }).then(async ([slice]) => [
    slice!,
    await inherit(ancestor, { heads: 1 }, source, { from: inheritance }),
  ])
  const expected = logitsOf(ancestor)
  expect(distance(logitsOf(fitted!.network), expected)).toBeLessThan(distance(logitsOf(slice!.network), expected))
  for (const { network } of [slice!, fitted!]) disposeNetwork(network)
})

it('matrices of either side start in the coordinates of the inherited tier, at the width of the ancestor too', async () => {
  const whole = await inherit(ancestor, {}, source, { from: inheritance })
  const options = { inherited: whole, sides: ['student', 'teacher'] as const, weights: { logit: 0, block: 1, attn: 1 }, labelWeight: 0 }
  const distillation = createDistillation(ancestor, { width: 16, depth: 4, heads: 2 }, options, createRng(1))
  const [loss, scale] = tidy(() => {
    const images = source.images([0, 1, 2, 3])
    const outputs = forward(ancestor, images, { features: distillation.ancestorFeatures })
    const energy = Object.values(outputs.features).reduce((sum, feature) => sum + mean(square(feature)).dataSync()[0]!, 0)
    const terms = Object.values(distillation.loss(images, zeros([4, 3]), outputs))
    return [terms.reduce((sum, term) => sum + term.dataSync()[0]!, 0), energy]
  })
  // What stays is the mean of each token, which no layer norm sees.
  expect(loss).toBeLessThan(0.2 * scale)
  distillation.dispose()
})

it('several tiers at once come out as one by one, also where two members share the work', async () => {
  const specs = [{ ...half, width: 4 }, half]
  const expected = []
  for (const spec of specs) expected.push(await inherit(ancestor, spec, source, { from: inheritance }))
  const alone = await inheritTiers(ancestor, specs, source, { from: inheritance })
  // Each member fits its own tiers; the sum hands them round. Here each sees the other's values through what the first has summed.
  const seen: Float64Array[][] = [[], []]
  const member = (rank: number) => ({
    rank,
    size: 2,
    mean: () => {},
    barrier: () => {},
    share: async () => new ArrayBuffer(0),
    sum: (values: Float64Array) => {
      const other = seen[1 - rank]![seen[rank]!.length]
      seen[rank]!.push(values.slice())
      if (other) for (let i = 0; i < values.length; i++) values[i]! += other[i]!
    },
  })
  const first = await inheritTiers(ancestor, specs, source, { from: inheritance, group: member(0) })
  const second = await inheritTiers(ancestor, specs, source, { from: inheritance, group: member(1) })
  for (const [i, { network }] of expected.entries()) {
    expect(valuesOf(alone[i]!.network)).toEqual(valuesOf(network))
    expect(valuesOf(second[i]!.network)).toEqual(valuesOf(network))
  }
  expect(seen[0]!.length).toBe(seen[1]!.length)
  for (const { network } of [...expected, ...alone, ...first, ...second]) disposeNetwork(network)
})

describe('a pool of inherited tiers and the ancestor', () => {
  async function makePool() {
    const narrow = await inherit(ancestor, half, source, { from: inheritance })
    const whole = ancestorTier(ancestor)
    const pool = buildPool([narrow, whole], { space: { kind: 'aligned' } }, createRng(1))
    initialiseStitches(pool, learned, { rng: createRng(2) })
    return pool
  }

  it('holds the ancestor bit by bit', async () => {
    const pool = await makePool()
    const paths = [...pool.space.enumerate()]
    expect(paths.map(({ path }) => formatPath(path))).toEqual([
      'w8d4[0-3]',
      'w16d4[0-3]',
      'w8d4[0-0]>w16d4[1-3]',
      'w8d4[0-1]>w16d4[2-3]',
      'w8d4[0-2]>w16d4[3-3]',
    ])
    const expected = logitsOf(ancestor)
    expect(logitsOf(pool.tiers[1]!.network)).toEqual(expected)
    disposePool(pool)
  })

  it('is stitched exactly where nothing was cut', async () => {
    const rotated = await inherit(ancestor, { name: 'rotated' }, source, { from: inheritance })
    const pool = buildPool([rotated, ancestorTier(ancestor)], { space: { kind: 'aligned' } }, createRng(1))
    initialiseStitches(pool, learned, { rng: createRng(2) })
    for (const path of pool.space.enumerate()) expect(distance(logitsOf(descendantOf(pool, path)), logitsOf(ancestor))).toBeLessThan(1e-5)
    expect(pool.space.count()).toBe(5)
    disposePool(pool)
  })

  it('is stored with what its blocks stand for', async () => {
    const pool = await makePool()
    const files = await encodePool(pool)
    const again = await decodePool(async (file) => files.get(file)!)
    expect(again.tiers.map(shapeOfTier)).toEqual(pool.tiers.map(shapeOfTier))
    expect(await encodePool(again)).toEqual(files)
    const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')))
    manifest.tiers[0].standsFor = [3, 2, 1, 0]
    files.set('manifest.json', new TextEncoder().encode(JSON.stringify(manifest)))
    await expect(decodePool(async (file) => files.get(file)!)).rejects.toThrow('standsFor must be ascending ancestor blocks')
    for (const each of [pool, again]) disposePool(each)
  })

  it('is tuned around a frozen ancestor by sandwiches of both ends and a random path', async () => {
    const pool = await makePool()
    const before = valuesOf(pool.tiers[1]!.network)
    const policy = sandwich(
      pool.space,
      ({ stitches, path }) => path.segments.at(-1)!.last + stitches.length * 10 + (path.segments[0]!.tier === 'w16d4' ? 99 : 0),
    )
    const drawn = [0, 1, 2].map((part) => formatPath(policy(createRng(3), part).path))
    expect(drawn.slice(0, 2)).toEqual(['w8d4[0-3]', 'w16d4[0-3]'])
    expect(policy.pathsPerStep).toBe(3)
    const teacher = liveTeacher(ancestor)
    const plan = { epochs: 2, batchSize: 12, learningRate: 1e-3, teacher, policy, frozen: ['w16d4'] }
    const losses = await fineTune(pool, source, plan, createRng(4))
    teacher.dispose()
    expect(losses).toHaveLength(8)
    expect(valuesOf(pool.tiers[1]!.network)).toEqual(before)
    await expect(fineTune(pool, source, { ...plan, frozen: ['ti9'] }, createRng(4))).rejects.toThrow(
      "frozen must name tiers, w8d4, w16d4; got 'ti9'",
    )
    await expect(fineTune(pool, source, { ...plan, frozen: 'w16d4' as never }, createRng(4))).rejects.toThrow(
      "frozen must be a list of names of tiers, for example ['ba12']; got 'w16d4'",
    )
    expect(() => sandwich(pool.space, () => 1, -1)).toThrow('random must be a whole number of paths; got -1')
    disposePool(pool)
  })
})

it('paths are cut by measurement: aligned tiers leave out dropped blocks and nothing else', async () => {
  const shallow = await inherit(ancestor, { width: 8, blocks: [0, 3] }, source, { from: inheritance })
  const space = aligned([shapeOfTier(shallow), { name: 'whole', width: 16, depth: 4, standsFor: [0, 1, 2, 3] }])
  expect([...space.enumerate()].map(({ path }) => formatPath(path))).toEqual(['w8d2[0-1]', 'whole[0-3]', 'w8d2[0-0]>whole[1-3]'])
  expect(costBins(space, () => 1)(createRng(1)).path.segments.length).toBeGreaterThan(0)
  disposeNetwork(shallow.network)
})
