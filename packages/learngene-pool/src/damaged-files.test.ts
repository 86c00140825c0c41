import '@tensorflow/tfjs-backend-cpu'
import type { Json, JsonObject } from '@learngene/interfaces'
import { descendantOf, initialiseStitches, random } from '@learngene/stitch'
import { createRng } from '@learngene/training'
import {
  disposeNetwork,
  encodeSafetensors,
  loadModel,
  type NamedFloatTensor,
  openSafetensors,
  readAllFloat32,
  SafetensorsError,
  saveModel,
  structureOf,
} from '@learngene/vit-blocks'
import { memory, setBackend } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildPool, disposePool, type Pool } from './pool.js'
import { decodePool, encodePool } from './pool-file.js'
import { sha256 } from './sha256.js'
import { mutateBytes, mutateJson } from './testing/mutate.js'
import { tinyAncestor } from './testing/tiny.js'

/**
 * Damaged and hostile files: each is read as it says, or refused in one line; nothing stays allocated. `LEARNGENE_MUTATIONS=100000` makes a long
 * check of it and prints the counts.
 */
const mutations = Number(process.env.LEARNGENE_MUTATIONS ?? 2000)

interface Model {
  readonly bytes: Uint8Array
  readonly tensors: readonly NamedFloatTensor[]
  readonly metadata: string
}

let pool: Pool
let files: Map<string, Uint8Array>
let models: Model[]
let live: number
beforeAll(async () => {
  await setBackend('cpu')
  const map = { inputs: 16, outputs: 24, weight: new Float32Array(16 * 24).fill(0.5), bias: new Float32Array(24) }
  const identity = {
    inputs: 16,
    outputs: 16,
    weight: Float32Array.from({ length: 256 }, (_, i) => (i % 17 === 0 ? 1 : 0)),
    bias: new Float32Array(16),
  }
  const tiers = [
    { name: 'a', network: tinyAncestor(1), transformations: [{ side: 'student', position: 1, ancestorPosition: 2, map }] },
    { name: 'b', network: tinyAncestor(2), transformations: [{ side: 'teacher', position: 0, ancestorPosition: 0, map: identity }] },
  ] as const
  const stitch = { kind: 'loraStitch', config: { rank: 2 } }
  const space = { kind: 'slidingWindow', kernel: 2, stride: 1 } as const
  pool = buildPool(tiers, { space, stitch, details: { classNames: ['a', 'b', 'c'] } }, createRng(3))
  initialiseStitches(pool, random, { rng: createRng(4) })
  files = await encodePool(pool)
  const stitched = [...pool.space.enumerate()].find(({ stitches }) => stitches.length > 0)!
  models = await Promise.all([pool.tiers[0]!.network, descendantOf(pool, stitched)].map(modelOf))
  live = memory().numTensors
})
afterAll(() => disposePool(pool))

async function modelOf(network: Parameters<typeof saveModel>[0]): Promise<Model> {
  const bytes = await saveModel(network, { details: { classNames: ['a', 'b', 'c'] } })
  const file = await openSafetensors(bytes, { name: 'whole' })
  const shapes = Object.fromEntries([...file.tensors].map(([name, { shape }]) => [name, shape]))
  const values = await readAllFloat32(file, shapes)
  return { bytes, tensors: [...values].map(([name, value]) => ({ name, ...value })), metadata: file.metadata.learngene! }
}

const headerEnd = (bytes: Uint8Array) => 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
const utf8 = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

/** A file with its header's JSON changed, its own length told right. */
function withHeader(bytes: Uint8Array, change: (json: string) => string): Uint8Array {
  const end = headerEnd(bytes)
  const header = utf8(change(textOf(bytes.subarray(8, end))))
  const changed = new Uint8Array(8 + header.length + bytes.length - end)
  new DataView(changed.buffer).setBigUint64(0, BigInt(header.length), true)
  changed.set(header, 8)
  changed.set(bytes.subarray(end), 8 + header.length)
  return changed
}

/** All that `read` says, and the file says otherwise. Keys that only one of them has do not count: defaults, and keys of other versions. */
function contradictions(read: Json | undefined, file: Json | undefined, at = 'it'): string[] {
  if (Array.isArray(read) && Array.isArray(file)) {
    if (read.length !== file.length) return [`${at} has ${read.length} items, not ${file.length}`]
    return read.flatMap((each, i) => contradictions(each, file[i], `${at}[${i}]`))
  }
  if (typeof read === 'object' && read && !Array.isArray(read) && typeof file === 'object' && file && !Array.isArray(file)) {
    return Object.keys(read)
      .filter((key) => Object.hasOwn(file, key))
      .flatMap((key) => contradictions((read as JsonObject)[key], (file as JsonObject)[key], `${at}.${key}`))
  }
  return read === file ? [] : [`${at} is ${JSON.stringify(read)}, not ${JSON.stringify(file)}`]
}

/** What is bad about how a file was taken, or how it was taken well. */
async function outcomeOf(take: () => Promise<string[]>): Promise<string> {
  let outcome: string
  try {
    const wrong = await take()
    outcome = wrong.length === 0 ? 'read' : `BAD: other than the file says: ${wrong[0]}`
  } catch (error) {
    const { message, cause } = error as Error
    const raw = [error, cause].find((each) => each !== undefined && each?.constructor !== Error && !(each instanceof SafetensorsError))
    if (raw) outcome = `BAD: ${(raw as Error).stack}`
    else outcome = /^here[^\p{Cc}\p{Zl}\p{Zp}]+$/u.test(message) ? 'refused' : `BAD: not one line: ${JSON.stringify(message)}`
  }
  const left = memory().numTensors - live
  live += left
  return left === 0 ? outcome : `BAD: ${left} tensors stayed behind (${outcome})`
}

async function takeModel(bytes: Uint8Array): Promise<string[]> {
  const { network, details } = await loadModel(bytes, { name: 'here', heads: 2 })
  try {
    const { metadata } = await openSafetensors(bytes, { name: 'here' })
    if (metadata.learngene === undefined) return []
    const again = await loadModel(await saveModel(network, { details }), { name: 'here' })
    disposeNetwork(again.network)
    return contradictions({ structure: structureOf(network), details } as unknown as Json, JSON.parse(metadata.learngene))
  } finally {
    disposeNetwork(network)
  }
}

async function takePool(changed: ReadonlyMap<string, Uint8Array>): Promise<string[]> {
  const loaded = await decodePool(
    async (file) => {
      if (!/^[\w-][\w.-]*$/.test(file)) throw new TypeError(`asked for ${file}, outside of the folder`)
      const bytes = changed.get(file)
      if (!bytes) throw new Error(`here: there is no ${file}`)
      return bytes
    },
    { name: 'here' },
  )
  try {
    const again = JSON.parse(textOf((await encodePool(loaded)).get('manifest.json')!))
    const told = JSON.parse(textOf(changed.get('manifest.json')!))
    for (const entry of [...told.tiers, told.stitches]) for (const key of ['file', 'sha256']) delete entry[key]
    return contradictions(again, told)
  } finally {
    disposePool(loaded)
  }
}

/** Mutated files by kind of mutation. */
const kinds: { readonly [kind: string]: (rng: ReturnType<typeof createRng>) => Promise<string[]> } = {
  "a model's bytes": (rng) => {
    const { bytes } = models[rng.integer(2)]!
    return takeModel(mutateBytes(bytes, rng, rng.integer(3) ? headerEnd(bytes) : bytes.length))
  },
  "a model's header": (rng) => takeModel(withHeader(models[rng.integer(2)]!.bytes, (json) => mutateJson(json, rng))),
  "a model's metadata": (rng) => {
    const { tensors, metadata } = models[rng.integer(2)]!
    return takeModel(encodeSafetensors(tensors, { metadata: { learngene: mutateJson(metadata, rng) } }))
  },
  "a pool's manifest": (rng) => {
    const manifest = utf8(mutateJson(textOf(files.get('manifest.json')!), rng))
    return takePool(new Map([...files, ['manifest.json', manifest]]))
  },
  "bytes of a pool's manifest": (rng) => takePool(new Map([...files, ['manifest.json', mutateBytes(files.get('manifest.json')!, rng)]])),
  "a pool's tensors, the hash told right": async (rng) => {
    const [file, bytes] = [...files].filter(([file]) => file !== 'manifest.json')[rng.integer(3)]!
    const changed = rng.integer(2) ? mutateBytes(bytes, rng, headerEnd(bytes)) : withHeader(bytes, (json) => mutateJson(json, rng))
    const manifest = textOf(files.get('manifest.json')!).replace(await sha256(bytes), await sha256(changed))
    return takePool(new Map([...files, [file, changed], ['manifest.json', utf8(manifest)]]))
  },
}

it('reads the files that are damaged below', async () => {
  for (const { bytes } of models) expect(await outcomeOf(() => takeModel(bytes))).toBe('read')
  expect(await outcomeOf(() => takePool(files))).toBe('read')
})

it(
  `reads or refuses ${mutations} damaged files`,
  async () => {
    const each = Math.ceil(mutations / Object.keys(kinds).length)
    const counts: { [kind: string]: { read: number; refused: number; bad: number } } = {}
    const bad = new Map<string, string>()
    for (const [kind, take] of Object.entries(kinds)) {
      const count = { read: 0, refused: 0, bad: 0 }
      counts[kind] = count
      for (let i = 0; i < each; i++) {
        const outcome = await outcomeOf(() => take(createRng(9).fork(`${kind} ${i}`)))
        if (outcome === 'read' || outcome === 'refused') count[outcome] += 1
        else {
          count.bad += 1
          bad.set(outcome.slice(0, 400), `${kind} ${i}`)
        }
      }
      // Otherwise the mutations are not worth the name, or nothing is read at all.
      expect(count.refused, kind).toBeGreaterThan(each / 4)
    }
    if (process.env.LEARNGENE_MUTATIONS) console.table(counts)
    expect([...bad].slice(0, 10)).toEqual([])
  },
  mutations * 10 + 20_000,
)
