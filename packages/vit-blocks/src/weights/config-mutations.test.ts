import '@tensorflow/tfjs-backend-cpu'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pad, setBackend, slice, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, expect, it } from 'vitest'
import { gridOf, sidesOf } from '../geometry.js'
import { loadModel } from '../model-file.js'
import { disposeNetwork, forward, type Network } from '../network.js'
import { relativeError } from '../reference/check-reference.js'
import { SafetensorsError } from '../safetensors/index.js'
import { structureOf } from '../structure.js'
import { type FamilyModel, filesOf, readFamilies } from './testing/families.js'

/** What `make-config-mutations.py` writes: a changed statement, and what the model's own library made of it. */
type Mutation = readonly [
  model: string,
  path: readonly string[],
  value: unknown,
  came: 'same' | 'error' | readonly number[],
  removed?: 'removed',
]

const file = process.env.LEARNGENE_CONFIG_MUTATIONS ?? fileURLToPath(new URL('./testing/config-mutations.jsonl', import.meta.url))
const mutations = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Mutation)

function mutated(config: object, [, path, value, , removed]: Mutation): object {
  const changed = structuredClone(config) as { [key: string]: unknown }
  const last = path.at(-1)!
  const target = path.slice(0, -1).reduce((inner, key) => inner[key] as { [key: string]: unknown }, changed)
  if (removed) delete target[last]
  else target[last] = value
  return changed
}

/** What a classifier makes of the images or, without one, would read. Of a size with as many patches, images are those of the model and no more than seen; undefined where there are others. */
const outputsOf = (network: Network, model: FamilyModel) =>
  tidy(() => {
    const images = model.images()
    const { geometry } = network.embedding
    const [height, width] = sidesOf(geometry.imageSize)
    const [, h, w, channels] = images.shape
    const own = { imageSize: [h, w] as const, patchSize: geometry.patchSize }
    if (channels !== geometry.channels || gridOf(own).join() !== gridOf(geometry).join()) return undefined
    const seen = slice(images, 0, [-1, Math.min(h, height), Math.min(w, width), -1])
    const padded = pad(seen, [
      [0, 0],
      [0, Math.max(0, height - h)],
      [0, Math.max(0, width - w)],
      [0, 0],
    ]) as Tensor4D
    const { logits, features } = forward(network, padded, { features: ['pooled'] })
    return (model.logits ? logits : features.pooled!).dataSync() as Float32Array
  })

beforeAll(async () => {
  await setBackend('cpu')
})

it(`reads none of ${mutations.length} changed configurations otherwise than the model's library without a note`, async () => {
  const models = new Map((await readFamilies()).map((model) => [model.name, model]))
  const known = new Map<string, Float32Array | undefined>()
  const wrong: string[] = []
  const counts = { refused: 0, read: 0, 'refused though the outputs stay': 0, 'read otherwise, as the library': 0 }
  for (const mutation of mutations) {
    const [name, path, value, came] = mutation
    const model = models.get(name)!
    const loaded = await loadModel(filesOf(model, { config: mutated(model.config, mutation) })).catch((error: Error) => error)
    if (loaded instanceof Error) {
      counts.refused++
      if (came === 'same') counts['refused though the outputs stay']++
      if (!(loaded instanceof SafetensorsError) || loaded.message.includes('\n')) wrong.push(`${name} ${path.join('.')}: ${loaded.stack}`)
      continue
    }
    counts.read++
    const key = name + JSON.stringify(structureOf(loaded.network))
    if (!known.has(key)) known.set(key, outputsOf(loaded.network, model))
    disposeNetwork(loaded.network)
    const own = model.logits ?? model.pooled
    const expected = typeof came === 'string' ? own : came
    if (expected !== own) counts['read otherwise, as the library']++
    const unknown = loaded.notes.some((note) => note.includes('is not known here') || note.includes('were assumed'))
    const outputs = known.get(key)
    // A network of other images than the model's own, which its library refuses to run, can be compared with nothing.
    const comparable = outputs !== undefined || came !== 'error'
    if (comparable && !(relativeError(outputs ?? [], expected) < 2e-5) && !unknown) {
      wrong.push(`${name} ${path.join('.')} ${JSON.stringify(value)}: ${typeof came === 'string' ? came : 'other outputs'}`)
    }
  }
  console.info(counts)
  expect(wrong.slice(0, 40)).toEqual([])
  expect(counts['read otherwise, as the library']).toBeGreaterThan(0)
})
