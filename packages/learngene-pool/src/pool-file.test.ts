import { initialiseStitches, learned } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { distill } from './distill.js'
import { buildPool, disposePool, type Pool } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

let pool: Pool
let files: Map<string, Uint8Array>
let live: number

beforeAll(async () => {
  await startBackend('cpu')
  const ancestor = tinyAncestor()
  const tiers = []
  for (const width of [8, 16]) {
    const plan = { epochs: 1, batchSize: 6, learningRate: 1e-3 }
    tiers.push((await distill(ancestor, { name: `w${width}`, width, depth: 2, heads: 2 }, tinyImages(6), plan, createRng(1))).tier)
  }
  disposeNetwork(ancestor)
  pool = buildPool(
    tiers,
    { space: { kind: 'slidingWindow', kernel: 2, stride: 1 }, details: { classNames: ['a', 'b', 'c'] } },
    createRng(2),
  )
  initialiseStitches(pool, learned, { rng: createRng(3) })
  files = await encodePool(pool)
  live = memory().numTensors
})

afterAll(() => disposePool(pool))

const decode = (change: (files: Map<string, Uint8Array>) => void = () => {}) => {
  const copy = new Map([...files].map(([name, bytes]) => [name, bytes.slice()]))
  change(copy)
  return decodePool(async (file) => copy.get(file)!, { name: 'runs/x/pool' })
}
const manifest = (change: (manifest: Record<string, unknown>) => void) => (files: Map<string, Uint8Array>) => {
  const value = JSON.parse(new TextDecoder().decode(files.get('manifest.json')))
  change(value)
  files.set('manifest.json', new TextEncoder().encode(JSON.stringify(value)))
}

describe('a stored pool', () => {
  it('has one file per tier, one for the stitches and a manifest', () => {
    expect([...files.keys()].sort()).toEqual(['manifest.json', 'stitches.safetensors', 'tier-w16.safetensors', 'tier-w8.safetensors'])
  })

  it('comes back the same: bytes, transformation matrices, details, space', async () => {
    const stored = await decode()
    expect(stored.tiers.map(({ transformations }) => transformations)).toEqual(pool.tiers.map(({ transformations }) => transformations))
    expect(stored.details).toEqual(pool.details)
    expect(stored.spaceSpec).toEqual(pool.spaceSpec)
    expect(await encodePool(stored)).toEqual(files)
    disposePool(stored)
    expect(memory().numTensors).toBe(live)
  })

  it.each([
    [
      'a byte of a tier changed',
      (files) => files.get('tier-w16.safetensors')!.fill(1, 2000, 2001),
      /tier-w16\.safetensors must have the SHA-256/,
    ],
    [
      'a truncated file',
      (files) => files.set('stitches.safetensors', files.get('stitches.safetensors')!.slice(0, -4)),
      /stitches\.safetensors must have the SHA-256/,
    ],
    [
      'another schema',
      manifest((m) => {
        m.schema = 2
      }),
      /schema 1; got 'learngene-pool' and 2/,
    ],
    [
      'another format',
      manifest((m) => {
        m.format = 'x'
      }),
      /format 'learngene-pool'/,
    ],
    [
      'no tiers',
      manifest((m) => {
        delete m.tiers
      }),
      /must hold tiers, stitches and space/,
    ],
    [
      'an unknown space',
      manifest((m) => {
        m.space = { kind: 'spiral' }
      }),
      /kind must be .* "spiral"/,
    ],
    ['no JSON', (files) => files.set('manifest.json', new Uint8Array([123])), /must be JSON/],
  ] as [string, (files: Map<string, Uint8Array>) => void, RegExp][])(
    'is refused with one line, nothing allocated: %s',
    async (_, change, message) => {
      const error = await decode(change).then(
        () => undefined,
        (error: Error) => error,
      )
      expect(error?.message).toMatch(message)
      expect(error?.message).toContain('runs/x/pool')
      expect(error?.message).not.toContain('\n')
      expect(memory().numTensors).toBe(live)
    },
  )
})
