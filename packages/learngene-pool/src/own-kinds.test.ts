import type { BlockFactory } from '@learngene/interfaces/tensors'
import { linear } from '@learngene/ops'
import { createPathSpace, initialiseStitches, random, type SpaceFactory, stitchSlot } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { constant, disposeNetwork, forward, loadModel, parameter, stitchFrom } from '@learngene/vit-blocks'
import { memory, mul, type Tensor, type Tensor1D, type Tensor2D, tensor, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAuxiliary } from './auxiliary.js'
import { extractDescendant } from './extract.js'
import { buildPool, descendantsOf, disposePool, mergeStitches, type PoolOptions } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

/** A switch from the last block of each tier to the last of the next. */
const lastBlocks: SpaceFactory = (tiers) => {
  const slots = tiers.slice(1).map((back, i) => stitchSlot(tiers[i]!, back, 0, [{ j: tiers[i]!.depth - 1, m: back.depth - 1 }]))
  return createPathSpace({ kind: 'lastBlocks', tiers, slots, maxStitches: 1 })
}

/** y = (2 M) x + c; the number 2 is no parameter. */
const doubled: BlockFactory = (config) => {
  const { inputWidth: inputs, outputWidth: outputs } = config as { inputWidth: number; outputWidth: number }
  const [half, shift] = [parameter(new Float32Array(inputs * outputs), [outputs, inputs]), constant(0, [outputs])]
  const whole = () => mul<Tensor2D>(half, 2)
  return {
    kind: 'doubled',
    config,
    inputWidth: inputs,
    outputWidth: outputs,
    parameters: { half, shift },
    macs: (tokens) => tokens * inputs * outputs,
    liveFloats: (tokens) => tokens * (inputs + outputs),
    forward: (x) => tidy(() => linear(x, whole(), shift as Tensor as Tensor1D)),
    assign: ({ weight, bias }) =>
      tidy(() => {
        half.assign(tensor(weight.map((value) => value / 2), [outputs, inputs])) // biome-ignore format: short
        shift.assign(tensor(bias))
      }),
    async merge() {
      const weight = whole()
      const merged = stitchFrom({ inputs, outputs, weight: await weight.data<'float32'>(), bias: await shift.data<'float32'>() })
      weight.dispose()
      return merged
    },
  }
}
const kinds = { parts: { blocks: { doubled } }, spaces: { lastBlocks } }

function poolOf(options: PoolOptions) {
  const ancestor = tinyAncestor()
  const tiers = [8, 16].map((width) => createAuxiliary(ancestor, { width, depth: 2, heads: 2 }, createRng(1)))
  disposeNetwork(ancestor)
  return buildPool(tiers, options, createRng(2))
}

const ownPool = () => poolOf({ space: { kind: 'lastBlocks' }, stitch: { kind: 'doubled', config: {} }, ...kinds })

beforeAll(() => startBackend('wasm'))

/** Logits of all descendants. */
async function logitsOf(pool: ReturnType<typeof poolOf>): Promise<number[][]> {
  const { images, targets } = await tinyImages(3).batch([0, 1, 2])
  const logits = descendantsOf(pool, [...pool.space.enumerate()]).map((network) =>
    tidy(() => [...forward(network, images).logits.dataSync()]),
  )
  images.dispose()
  targets.dispose()
  return logits
}

describe("a pool of the user's own path space and stitch kind", () => {
  it('starts its stitches as an initialiser says, is stored and read, and merges them', async () => {
    const before = memory().numTensors
    const plain = poolOf({ space: { kind: 'lastBlocks' }, ...kinds })
    const pool = ownPool()
    for (const each of [plain, pool]) initialiseStitches(each, random, { rng: createRng(5) })
    const expected = await logitsOf(plain)
    expect(expected).toHaveLength(3)
    expect(await logitsOf(pool)).toEqual(expected)

    const files = await encodePool(pool)
    const stored = await decodePool(async (file) => files.get(file)!, kinds)
    expect(stored.spaceSpec).toEqual({ kind: 'lastBlocks' })
    expect(await logitsOf(stored)).toEqual(expected)

    const longest = [...stored.space.enumerate()].at(-1)!
    const extracted = await loadModel(await extractDescendant(stored, longest)) // no kinds of one's own are left in it
    expect(extracted.network.blocks.map(({ kind }) => kind)).toContain('stitch')
    const { images, targets } = await tinyImages(3).batch([0, 1, 2])
    expect(tidy(() => [...forward(extracted.network, images).logits.dataSync()])).toEqual(expected.at(-1))
    for (const each of [images, targets]) each.dispose()
    disposeNetwork(extracted.network)

    const merged = await mergeStitches(stored)
    expect(merged.stitchSpec).toEqual({ kind: 'stitch', config: {} })
    expect(await logitsOf(merged)).toEqual(expected)
    for (const each of [plain, pool, merged]) disposePool(each)
    expect(memory().numTensors).toBe(before)
  })

  it('is refused where its kinds are not known', async () => {
    const before = memory().numTensors
    const pool = ownPool()
    const files = await encodePool(pool)
    const read = async (file: string) => files.get(file)!
    await expect(decodePool(read, { parts: kinds.parts })).rejects.toThrow('twoWay; got "lastBlocks". Pass one of your own: { spaces:')
    await expect(decodePool(read, { spaces: kinds.spaces })).rejects.toThrow("unknown block kind 'doubled'")
    disposePool(pool)
    expect(memory().numTensors).toBe(before)
  })
})

describe('a stitch kind that does not say how', () => {
  it('it is merged cannot be', async () => {
    const pool = poolOf({})
    await expect(mergeStitches(pool)).rejects.toThrow(/must have a merge\(\), as a loraStitch has; w8d2>w16d2#0 is a 'stitch'/)
    disposePool(pool)
  })

  it('it takes a map is given weight and bias, and refused where it has none', () => {
    const nameless: BlockFactory = (config, rng) => ({ ...doubled(config, rng), kind: 'nameless', assign: undefined })
    const pool = poolOf({ stitch: { kind: 'nameless', config: {} }, parts: { blocks: { nameless } } })
    expect(() => initialiseStitches(pool, random, { rng: createRng(5) })).toThrow(
      "assignStitch: a stitch must have a parameter 'weight' of shape [16,8], or its own assign(map); the 'nameless' has none",
    )
    disposePool(pool)
  })
})
