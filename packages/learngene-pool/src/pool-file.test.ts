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
  await startBackend('wasm')
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
// biome-ignore lint/suspicious/noExplicitAny: it is changed into what it must not be.
const manifest = (change: (manifest: any) => void) => (files: Map<string, Uint8Array>) => {
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
      /schema 1; got "learngene-pool" and 2/,
    ],
    [
      'another format',
      manifest((m) => {
        m.format = 'x'
      }),
      /format "learngene-pool"/,
    ],
    [
      'no tiers',
      manifest((m) => {
        delete m.tiers
      }),
      /manifest\.json: tiers must be a list; got nothing/,
    ],
    [
      'an unknown space',
      manifest((m) => {
        m.space = { kind: 'spiral' }
      }),
      /kind must be .* "spiral"/,
    ],
    [
      'a file outside of the folder',
      manifest((m) => {
        m.tiers[0].file = '../w8.safetensors'
      }),
      /tiers\[0\]\.file must be the plain name of a file in the pool's folder; got "\.\.\/w8\.safetensors"/,
    ],
    [
      'a file of an absolute path',
      manifest((m) => {
        m.stitches.file = '/etc/passwd'
      }),
      /stitches\.file must be the plain name of a file/,
    ],
    [
      'a file with a NUL',
      manifest((m) => {
        m.tiers[1].file = 'tier\u0000.safetensors'
      }),
      /tiers\[1\]\.file must be the plain name of a file/,
    ],
    [
      'a file twice',
      manifest((m) => {
        m.stitches.file = m.tiers[1].file
      }),
      /a file must be named once; got "tier-w16\.safetensors" twice/,
    ],
    [
      'a hash that is none',
      manifest((m) => {
        m.tiers[0].sha256 = 'x'
      }),
      /tiers\[0\]\.sha256 must be a SHA-256/,
    ],
    [
      'a tier that is none',
      manifest((m) => {
        m.tiers[1] = null
      }),
      /tiers\[1\] must be an object; got null/,
    ],
    [
      'a tier of a bad name',
      manifest((m) => {
        m.tiers[0].name = '__proto__'
      }),
      /tiers\[0\]\.name must be a letter/,
    ],
    [
      'a structure of more weights than the file has',
      manifest((m) => {
        m.tiers[0].structure.blocks[1].config.mlpRatio = 1e6
      }),
      /tier-w8\.safetensors: .*blocks\.1\.mlp\.fc1\.weight" \(expected \[8000000, 8\]/,
    ],
    [
      'a stitch of more weights than the file has',
      manifest((m) => {
        m.tiers[1].structure.blocks[1] = { kind: 'stitch', config: { inputWidth: 16, outputWidth: 16e6 } }
      }),
      /manifest\.json: network: the head must take the width 16000000/,
    ],
    [
      'a transformation of a block that is not there',
      manifest((m) => {
        m.tiers[0].transformations[0].position = 7
      }),
      /the transformations of tier w8 must be of its blocks 0 to 1; got position 7/,
    ],
    [
      'a transformation of another width',
      manifest((m) => {
        m.tiers[0].transformations[0].inputs = 9
      }),
      /must have 8 inputs, the block's width; got 9/,
    ],
    [
      'a transformation too large',
      manifest((m) => {
        m.tiers[0].transformations[0].outputs = 1e9
      }),
      /outputs must be an integer from 1 to 16384; got 1000000000/,
    ],
    [
      'a transformation twice',
      manifest((m) => {
        m.tiers[0].transformations[1] = m.tiers[0].transformations[0]
      }),
      /a position of tiers\[0\]\.transformations must be named once; got "student 0" twice/,
    ],
    [
      'an identity that is none',
      manifest((m) => {
        Object.assign(m.tiers[0].transformations[0], { identity: true })
      }),
      /must have as many inputs as outputs, being an identity; got 8 and 16/,
    ],
    [
      'a space that is none',
      manifest((m) => {
        m.space = null
      }),
      /space must be an object; got null/,
    ],
    [
      'a stride that is none',
      manifest((m) => {
        m.space.stride = { toString: 1 }
      }),
      /stride must be an integer of at least 1, got \{\.\.\.\}/,
    ],
    [
      'a stitch kind that is none',
      manifest((m) => {
        m.stitches.kind = 'a\nb'
      }),
      /unknown block kind 'a b'/,
    ],
    [
      'a key twice',
      (files) => files.set('manifest.json', new TextEncoder().encode('{"format":"x","format":"learngene-pool"}')),
      /a key must occur once in an object; got "format" twice/,
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

  it('is read where another version has added a key', async () => {
    const stored = await decode(
      manifest((m) => {
        Object.assign(m, { later: 1 })
        Object.assign(m.tiers[0], { later: [0, 1] })
      }),
    )
    expect(await encodePool(stored)).toEqual(files)
    disposePool(stored)
  })
})
