import { classTargets } from '@learngene/ops'
import { descendantOf, formatPath, type StitchedPath, type Tier } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, type Network, parametersOf } from '@learngene/vit-blocks'
import { dispose, memory, mul } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accuracies } from '../evaluate.js'
import { descendantsOf, disposePool, type Pool } from '../pool.js'
import type { Teacher } from '../teacher.js'
import { tinyAncestor, tinyImages } from '../testing/tiny.js'
import type { TrainingPlan } from '../training-plan.js'
import { buildSnNet, trainAnchors, trainSnNet } from './sn-net.js'

const plan: TrainingPlan = { epochs: 4, batchSize: 12, learningRate: 1e-2 }
const specs = [
  { name: 'ti', width: 8, depth: 2, heads: 2 },
  { name: 'sm', width: 12, depth: 3, heads: 2 },
  { name: 'ba', width: 16, depth: 4, heads: 2 },
]
const source = tinyImages(24)
const valuesOf = (network: Network) => Object.values(parametersOf(network)).map((parameter) => parameter.dataSync().slice())

let ancestor: Network
let anchors: { readonly tiers: readonly Tier[]; readonly losses: readonly Float32Array[] }
let family: Pool

beforeAll(async () => {
  await startBackend('wasm')
  ancestor = tinyAncestor()
  anchors = await trainAnchors(ancestor, specs, source, plan, createRng(1))
})

afterAll(() => {
  disposePool(family)
  disposeNetwork(ancestor)
})

describe('anchors', () => {
  it('are tiers of their own sizes that have learned, without transformation matrices', () => {
    expect(anchors.tiers.map(({ name, network, transformations }) => [name, network.blocks.length, transformations.length])).toEqual([
      ['ti', 2, 0],
      ['sm', 3, 0],
      ['ba', 4, 0],
    ])
    for (const losses of anchors.losses) {
      expect(losses).toHaveLength(8)
      expect(losses.at(-1)).toBeLessThan(losses[0]!)
    }
  })

  it('are trained independently: one comes out the same whoever else is trained', async () => {
    const alone = await trainAnchors(ancestor, specs.slice(1, 2), source, plan, createRng(1))
    expect(valuesOf(alone.tiers[0]!.network)).toEqual(valuesOf(anchors.tiers[1]!.network))
    disposeNetwork(alone.tiers[0]!.network)
  })

  it('leave nothing allocated when a training fails', async () => {
    const live = memory().numTensors
    const failing: Teacher = () => {
      throw new Error('no teacher today')
    }
    await expect(trainAnchors(ancestor, specs, source, { ...plan, teacher: failing }, createRng(1))).rejects.toThrow('no teacher today')
    expect(memory().numTensors).toBe(live)
  })
})

describe('an SN-Net of three anchors of unequal depth', () => {
  let paths: StitchedPath[]

  /** A teacher whose logits are the labels, so much surer of the right class. */
  const knowing =
    (sureness: number): Teacher =>
    (indices) => ({ logits: mul(classTargets(source.labels(indices), 3), sureness), features: {} })

  async function meanAccuracy() {
    const scores = await accuracies(descendantsOf(family, paths), source)
    return scores.reduce((sum, score) => sum + score) / scores.length
  }

  it('stitches neighbours by least squares: better on their features than a mean of solutions, which is published', async () => {
    const options = { featureImages: 24, heldOut: source }
    const mean = await buildSnNet(anchors.tiers, source, { ...options, shared: 'mean' }, createRng(2))
    for (const { parameters } of mean.family.stitches.values()) dispose({ ...parameters })
    const joint = await buildSnNet(anchors.tiers, source, options, createRng(2))
    family = joint.family
    paths = [...family.space.enumerate()]
    expect(paths.slice(0, 3).map(({ path }) => formatPath(path))).toEqual(['ti[0-1]', 'sm[0-2]', 'ba[0-3]'])
    expect(joint.stitches.map(({ id }) => id)).toEqual([...family.stitches.keys()])
    expect(new Set(joint.stitches.map(({ id }) => id.split('#')[0]))).toEqual(new Set(['ti>sm', 'sm>ba']))
    for (const [i, { residual }] of joint.stitches.entries()) {
      expect(residual).toBeLessThan(1)
      expect(residual).toBeLessThanOrEqual(mean.stitches[i]!.residual! * (1 + 1e-6))
    }
  })

  it('trains jointly and leaves no tensor behind', async () => {
    const live = memory().numTensors
    const losses = await trainSnNet(family, source, { ...plan, learningRate: 3e-3, epochs: 15, teacher: knowing(9) }, createRng(3))
    expect(losses.slice(-5).reduce((a, b) => a + b)).toBeLessThan(losses.slice(0, 5).reduce((a, b) => a + b))
    expect(memory().numTensors).toBe(live)
    expect(await meanAccuracy()).toBeGreaterThan(0.8)
  })

  it("follows the teacher's decisions, not how sure it is", async () => {
    const firstLoss = async (teacher: Teacher, targets?: 'soft') =>
      (
        await trainSnNet(family, source, { ...plan, learningRate: 1e-9, epochs: 0.5, teacher, ...(targets && { targets }) }, createRng(3))
      )[0]!
    expect(await firstLoss(knowing(9))).toBeCloseTo(await firstLoss(knowing(1)), 4)
    expect(Math.abs((await firstLoss(knowing(9), 'soft')) - (await firstLoss(knowing(1), 'soft')))).toBeGreaterThan(1e-2)
  })

  it('runs a path as its blocks one after the other', () => {
    const path = paths.find(({ path }) => path.segments.length === 2 && path.segments[0]!.tier === 'sm')!
    const { embedding, blocks, head } = descendantOf(family, path)
    const images = source.images([0, 1])
    const expected = head.forward(blocks.reduce((x, block) => block.forward(x, {}), embedding.forward(images)))
    expect(forward(descendantOf(family, path), images).logits.dataSync()).toEqual(expected.dataSync())
  })
})
