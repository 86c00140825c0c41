import { useBackend } from '@learngene/backends'
import { buildPool, descendantsOf, disposePool, type Pool } from '@learngene/learngene-pool'
import { formatPath } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { measureNetworks, type NamedNetwork, profileNetworks } from './measure.js'
import { partsOf } from './parts.js'
import { composeLatency, compositionError } from './profile.js'

const geometry = { imageSize: 28, patchSize: 7, channels: 1, classes: 10, heads: 2 }
const device = { backend: 'wasm', version: '4.22.0', device: 'test' } as const

let pool: Pool
let named: NamedNetwork[]
beforeAll(async () => {
  await useBackend('wasm')
  const rng = createRng(1)
  const tiers = [
    { name: 's', width: 16 },
    { name: 'l', width: 160 },
  ].map(({ name, width }) => ({ name, network: createViT({ ...geometry, width, depth: 6 }, rng.fork(name)), transformations: [] }))
  pool = buildPool(tiers, {}, rng)
  const paths = [...pool.space.enumerate()]
  const networks = descendantsOf(pool, paths)
  named = paths.map((path, i) => ({ name: formatPath(path.path), network: networks[i]! }))
})
afterAll(() => disposePool(pool))

describe('profileNetworks', () => {
  it('times each part once per kind and size, composes whole networks of them and leaves nothing allocated', async () => {
    const before = memory().numTensors
    const profile = await profileNetworks(named, device, { batch: 4, seconds: 3 })
    expect(memory().numTensors).toBe(before)
    const keys = new Set(named.flatMap(({ network }) => partsOf(network).map(({ key }) => key)))
    expect(new Set(Object.keys(profile.parts))).toEqual(keys)
    expect(keys.size).toBe(2 * 3 + 1)
    for (const { ms, median, interval } of Object.values(profile.parts)) {
      expect(ms).toBeGreaterThan(0)
      expect(interval[0]).toBeLessThanOrEqual(median)
      expect(interval[1]).toBeGreaterThanOrEqual(median)
    }
    expect(profile.checked).toHaveLength(4)
    // The machine may be busy, and differently from one part to the next: how near it comes is measured by benchmarks/latency-budget.mjs.
    expect(compositionError(profile.checked)!.median).toBeLessThan(0.8)
    const small = composeLatency(profile, named[0]!.network)
    const large = composeLatency(profile, named[1]!.network)
    expect(large).toBeGreaterThan(2 * small)
  })

  it('follows the number of images', async () => {
    const one = await profileNetworks(named.slice(0, 2), device, { batch: 1, seconds: 1 })
    const many = await profileNetworks(named.slice(0, 2), device, { batch: 16, seconds: 1 })
    expect(composeLatency(many, named[1]!.network)).toBeGreaterThan(3 * composeLatency(one, named[1]!.network))
    expect(one.checked).toEqual([])
    expect(() => composeLatency(one, named[3]!.network)).toThrow(/must have the part 'stitch 16 to 160/)
  })

  it('refuses what it cannot time', async () => {
    const other = createViT({ ...geometry, imageSize: 14, width: 8, depth: 1 }, createRng(1))
    await expect(profileNetworks([], device)).rejects.toThrow('profileNetworks: there must be at least one network; got none')
    await expect(profileNetworks([...named, { name: 'other', network: other }], device)).rejects.toThrow(
      'profileNetworks: all networks must take the same images; got 28 x 28 x 1 and 14 x 14 x 1',
    )
    await expect(profileNetworks(named, device, { batch: 0 })).rejects.toThrow('batch must be an integer of at least 1; got 0')
    await expect(profileNetworks(named, device, { seconds: 0 })).rejects.toThrow('seconds must be a positive number; got 0')
    await expect(profileNetworks(named, device, { whole: 0 })).rejects.toThrow('whole must be an integer of at least 1; got 0')
    await expect(profileNetworks(named, device, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    await expect(measureNetworks([undefined as never])).rejects.toThrow(/networks\[0\] must be an object/)
  })
})

describe('measureNetworks', () => {
  it('gives medians that tell a large network from a small one', async () => {
    const [small, large] = await measureNetworks([named[0]!.network, named[1]!.network], { batch: 8, seconds: 1 })
    expect(large!.median).toBeGreaterThan(2 * small!.median)
    expect(small!.times.length).toBeGreaterThanOrEqual(10)
  })

  it('times either case of a cascade: the small network alone, and the large one behind it', async () => {
    const [small, large] = [named[0]!.network, named[1]!.network]
    const before = memory().numTensors
    const cases = [{ small, large, both: false }, { small, large, both: true }, small, large]
    const [alone, both, first, second] = await measureNetworks(cases, { seconds: 2 })
    expect(memory().numTensors).toBe(before)
    // Wide bounds: the machine may be busy.
    expect(both!.decile).toBeGreaterThan(alone!.decile)
    expect(both!.decile).toBeGreaterThan(0.7 * second!.decile)
    expect(alone!.decile).toBeLessThan(3 * first!.decile)
  })
})

describe('on webgpu', () => {
  it('a network is recorded once and replayed, and nothing stays', async ({ skip }) => {
    await useBackend('webgpu').catch((error: Error) => {
      if (inject('required').includes('webgpu')) throw error
      skip(error.message)
    })
    const network = createViT({ ...geometry, width: 16, depth: 2 }, createRng(1))
    const before = memory().numTensors
    const embed = vi.spyOn(network.embedding, 'forward')
    const [latency] = await measureNetworks([network], { seconds: 0.1 })
    expect(latency!.times.length).toBeGreaterThanOrEqual(10)
    expect(embed).toHaveBeenCalledTimes(2)
    embed.mockClear()
    const profile = await profileNetworks([{ name: 'one', network }], { ...device, backend: 'webgpu' }, { seconds: 0.1 })
    // The whole, and the embedding's chains of one and of many.
    expect(embed.mock.calls.length).toBeLessThanOrEqual(2 + 2 + 2 * 64)
    expect(composeLatency(profile, network)).toBeGreaterThan(0)
    expect(memory().numTensors).toBe(before)
    disposeNetwork(network)
    await useBackend('wasm')
  })
})
