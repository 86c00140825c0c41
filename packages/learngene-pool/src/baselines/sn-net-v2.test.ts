import { descendantOf, formatPath } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, loadModel, type Network, parametersOf } from '@learngene/vit-blocks'
import { memory, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { extractDescendant } from '../extract.js'
import { disposePool, mergeStitches, storedParameters } from '../pool.js'
import { decodePool, encodePool } from '../pool-file.js'
import { liveTeacher } from '../teacher.js'
import { tinyAncestor, tinyImages } from '../testing/tiny.js'
import { buildSnNet, trainAnchors, trainSnNet } from './sn-net.js'

const plan = { epochs: 3, batchSize: 12, learningRate: 1e-2 }
const specs = [
  { name: 'small', width: 8, depth: 3, heads: 2 },
  { name: 'large', width: 16, depth: 3, heads: 2 },
]
const options = { space: { kind: 'twoWay' }, stitch: { kind: 'loraStitch', config: { rank: 2 } }, featureImages: 24 } as const

/** ||a - b|| / ||b|| */
const difference = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!)) / Math.hypot(...b)

describe.each(['cpu', 'wasm'] as const)('SN-Netv2 on %s', (backend) => {
  beforeAll(() => startBackend(backend))

  it('trains LoRA stitches in both directions; merged, stored and reloaded it gives the same logits', async () => {
    const before = memory().numTensors
    const ancestor = tinyAncestor()
    const source = tinyImages(24)
    const { tiers } = await trainAnchors(ancestor, specs, source, plan, createRng(1))
    const { family } = await buildSnNet(tiers, source, options, createRng(2))
    const paths = [...family.space.enumerate()]
    expect(paths.map(({ path }) => formatPath(path))).toContain('large[0-0]>small[1-1]>large[2-2]')

    const valuesOf = (name: string) => [...family.stitches.values()].map(({ parameters }) => parameters[name]!.dataSync().slice())
    const [weight, bias, update] = ['weight', 'bias', 'lora_b'].map(valuesOf)
    await trainSnNet(family, source, { ...plan, teacher: liveTeacher(ancestor), pathsPerStep: 4 }, createRng(3))
    expect(valuesOf('weight')).toEqual(weight)
    expect(valuesOf('bias')).toEqual(bias)
    expect(update!.every((values) => values.every((value) => value === 0))).toBe(true)
    expect(valuesOf('lora_b').every((values) => values.some((value) => value !== 0))).toBe(true)

    const images = source.images([0, 5, 10])
    const logitsOf = (network: Network) => tidy(() => forward(network, images).logits.dataSync<'float32'>().slice())
    const trained = paths.map((path) => logitsOf(descendantOf(family, path)))

    const reload = async (files: Map<string, Uint8Array>) => decodePool(async (file) => files.get(file)!)
    const reloaded = await reload(await encodePool(family))
    expect(await encodePool(reloaded)).toEqual(await encodePool(family))
    for (const [i, path] of paths.entries()) {
      expect(logitsOf(descendantOf(reloaded, path))).toEqual(trained[i])
      const { network } = await loadModel(await extractDescendant(family, path))
      expect(logitsOf(network)).toEqual(trained[i])
      disposeNetwork(network)
    }
    disposePool(reloaded)

    const parameters = storedParameters(family)
    const merged = await mergeStitches(family)
    expect(parameters - storedParameters(merged)).toBe(family.stitches.size * 2 * (8 + 16))
    const mergedAgain = await reload(await encodePool(merged))
    for (const [i, path] of paths.entries()) {
      expect(difference(logitsOf(descendantOf(merged, path)), trained[i]!)).toBeLessThan(1e-6)
      expect(logitsOf(descendantOf(mergedAgain, path))).toEqual(logitsOf(descendantOf(merged, path)))
      expect(Object.keys(parametersOf(descendantOf(merged, path))).some((name) => name.includes('lora'))).toBe(false)
    }
    await expect(mergeStitches(merged)).rejects.toThrow('mergeStitches: the stitches must have a merge(), as a loraStitch has')

    images.dispose()
    for (const pool of [merged, mergedAgain]) disposePool(pool)
    disposeNetwork(ancestor)
    expect(memory().numTensors).toBe(before)
  })
})
