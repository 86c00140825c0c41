import '@tensorflow/tfjs-backend-cpu'
import { mkdtemp, readdir, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReportEvent } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { createRng } from '@learngene/training'
import { disposeNetwork, type ForwardResult, type Network } from '@learngene/vit-blocks'
import { dispose, memory, setBackend, type Tensor3D } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createAuxiliary } from './auxiliary.js'
import { trainNetwork } from './baselines/index.js'
import { cacheBytes, cachedTeacher } from './cached-teacher.js'
import { featureFolder } from './chunk-folder.js'
import type { ChunkStore } from './chunk-store.js'
import { distill } from './distill.js'
import { fineTune } from './fine-tune.js'
import { buildPool, disposePool } from './pool.js'
import { liveTeacher, requireSound, type Teacher } from './teacher.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

const features = ['block.3', 'attn.1'] as const
/** What the densely supervised distillation into three blocks asks for. */
const denseFeatures = ['block.1', 'block.2', 'block.3', 'attn.1', 'attn.2', 'attn.3']
const options = { batchSize: 4 }
/** Of three chunks the last is short. Indices out of order, from all chunks, one twice. */
const indices = [9, 0, 3, 8, 5, 0]

/** Logits of 3 classes, features of 5 tokens and width 16. */
const bytesPerImage = 4 * (3 + 2 * 5 * 16)

let ancestor: Network
let source: ImageSource
let computed: number
let dir: string

beforeAll(async () => {
  await setBackend('cpu')
  ancestor = tinyAncestor()
  dir = await mkdtemp(join(tmpdir(), 'features-'))
})
afterAll(async () => {
  disposeNetwork(ancestor)
  await rm(dir, { recursive: true, force: true })
})
beforeEach(() => {
  computed = 0
  const images = tinyImages(10)
  source = {
    ...images,
    batch: (indices) => {
      computed += indices.length
      return images.batch(indices)
    },
  }
})

const valuesOf = async ({ logits, features }: ForwardResult, names: readonly string[]) => {
  const tensors = [logits, ...names.map((name) => features[name]!)]
  const values = await Promise.all(tensors.map((tensor) => tensor.data()))
  dispose(tensors)
  return values.map((data) => Array.from(data))
}

async function expectRight(teacher: Teacher, names: readonly string[] = features): Promise<void> {
  const { images, targets } = await source.batch(indices)
  targets.dispose()
  const before = memory().numTensors
  const [found, wanted] = [teacher(indices, images, names), liveTeacher(ancestor)(indices, images, names)]
  expect(Object.keys(found.features).sort()).toEqual([...names].sort())
  for (const name of names) expect((found.features[name] as Tensor3D).shape).toEqual([6, 5, 16])
  const [values, expected] = [await valuesOf(found, names), await valuesOf(wanted, names)]
  values.forEach((column, i) => {
    column.forEach((value, k) => {
      expect(value).toBeCloseTo(expected[i]![k]!, 5)
    })
  })
  expect(memory().numTensors).toBe(before)
  images.dispose()
}

describe.each([
  ['all', Infinity],
  ['the first chunk', 5 * bytesPerImage],
  ['nothing', 0],
])('with room for %s in memory', (_, memoryLimit) => {
  it.each([[[...features]], [['attn.1']], [[]]])('gives what the ancestor gives: %j', async (names) => {
    const before = memory().numTensors
    const teacher = await cachedTeacher(ancestor, features, source, { ...options, memoryLimit })
    expect(memory().numTensors).toBe(before)
    await expectRight(teacher, names)
  })

  it('a store holds the rest, and a second run computes nothing', async () => {
    const folder = join(dir, `limit ${memoryLimit}`)
    await expectRight(await cachedTeacher(ancestor, features, source, { ...options, memoryLimit, store: featureFolder(folder) }))
    expect((await readdir(folder)).sort()).toEqual(['chunk-000000.f32', 'chunk-000001.f32', 'chunk-000002.f32', 'features.json'])
    computed = 0
    const teacher = await cachedTeacher(ancestor, features, source, { ...options, memoryLimit, store: featureFolder(folder) })
    expect(computed, 'images looked at, for the sample').toBe(10)
    const withoutImages: ForwardResult = teacher(indices, undefined as never, features)
    dispose([withoutImages.logits, ...Object.values(withoutImages.features)])
    await expectRight(teacher)
  })
})

describe('a cache', () => {
  it('runs the ancestor once per image', async () => {
    await cachedTeacher(ancestor, features, source, options)
    expect(computed).toBe(10)
  })

  it('takes the bytes that it says', () => {
    expect(cacheBytes(ancestor, features, 10)).toBe(10 * bytesPerImage)
  })

  it.each([
    [
      'augmented images',
      () => cachedTeacher(ancestor, features, { ...source, augmented: true }),
      /this source augments them: use liveTeacher/,
    ],
    [
      'a negative limit',
      () => cachedTeacher(ancestor, features, source, { memoryLimit: -1 }),
      /memoryLimit must be at least 0 bytes; got -1/,
    ],
    ['a feature nobody has', () => cachedTeacher(ancestor, ['block.9'], source), /no feature named block\.9/],
  ])('refuses %s', async (_, run, message) => {
    await expect(run()).rejects.toThrow(message)
  })

  it('names the features that it has where another is asked for', async () => {
    const teacher = await cachedTeacher(ancestor, features, source, options)
    const { images, targets } = await source.batch(indices)
    expect(() => teacher(indices, images, ['block.0'])).toThrow("feature 'block.0' was not cached; cached are block.3, attn.1")
    dispose([images, targets])
  })
})

it('cannot teach with images that change', async () => {
  const teacher = await cachedTeacher(ancestor, features, source, options)
  const augmented = { ...source, augmented: true }
  const plan = { epochs: 1, batchSize: 5, learningRate: 1e-3, teacher }
  const message = 'a cached teacher needs images that are the same each time; this source augments them: use liveTeacher'
  await expect(distill(ancestor, { width: 8, depth: 3, heads: 2 }, augmented, plan, createRng(0))).rejects.toThrow(message)
  await expect(requireSound(liveTeacher(ancestor), augmented)).resolves.toBeUndefined()
})

describe('a cached teacher', () => {
  const plan = { epochs: 1, batchSize: 5, learningRate: 1e-3, start: 'random' as const }
  const fix = 'make the cache of the source that is trained on, or use liveTeacher'

  it.each<[string, () => ImageSource, string]>([
    ['other images', () => tinyImages(10, 8), 'a cached teacher must be asked about the images that it saw; this source has others'],
    ['fewer images', () => tinyImages(9), 'a cached teacher must be asked about the images that it saw, 10; this source has 9'],
    [
      'the same images in another order',
      () => ({ ...source, batch: (indices) => source.batch(Array.from(indices, (i) => 9 - i)) }),
      'a cached teacher must be asked about the images that it saw; this source has others',
    ],
  ])('refuses to teach with %s', async (_, other, message) => {
    const teacher = await cachedTeacher(ancestor, denseFeatures, source, options)
    const tiers = [8, 16].map((width) => createAuxiliary(ancestor, { width, depth: 3, heads: 2 }, createRng(0)))
    const pool = buildPool(tiers, {}, createRng(0))
    const asked = other()
    const before = memory().numTensors
    for (const training of [
      distill(ancestor, { width: 8, depth: 3, heads: 2 }, asked, { ...plan, teacher }, createRng(0)),
      fineTune(pool, asked, { ...plan, teacher }, createRng(0)),
      trainNetwork(tiers[0]!.network, asked, { ...plan, teacher }, createRng(0)),
    ]) {
      await expect(training).rejects.toThrow(`${message}: ${fix}`)
    }
    expect(memory().numTensors).toBe(before)
    disposePool(pool)
  })

  it('teaches with a source of its own that gives the same pixels, looked at once per training, and looks at nothing where it is the same', async () => {
    const teacher = await cachedTeacher(ancestor, denseFeatures, source, options)
    const wrapped: ImageSource = { ...source }
    const seen = async (asked: ImageSource) => {
      computed = 0
      const { tier, losses } = await distill(
        ancestor,
        { width: 8, depth: 3, heads: 2 },
        asked,
        { ...plan, epochs: 2, teacher },
        createRng(0),
      )
      disposeNetwork(tier.network)
      return { losses, computed }
    }
    const same = await seen(source)
    const other = await seen(wrapped)
    expect(other.losses).toEqual(same.losses)
    expect([same.computed, other.computed]).toEqual([20, 20 + 2 * 10])
  })
})

describe('a stored cache', () => {
  const stored = (folder: string, given: Partial<Parameters<typeof cachedTeacher>[3]> = {}) =>
    cachedTeacher(ancestor, features, source, { ...options, ...given, store: featureFolder(join(dir, folder)) })

  it('that is stale is refused, with the reason', async () => {
    await stored('stale')
    const other = tinyAncestor(2)
    const store = featureFolder(join(dir, 'stale'))
    await expect(cachedTeacher(other, features, source, { ...options, store })).rejects.toThrow(/stale, of another ancestor: must be "/)
    await expect(cachedTeacher(ancestor, ['attn.1'], source, { ...options, store })).rejects.toThrow(/stale, of another features/)
    await expect(cachedTeacher(ancestor, features, tinyImages(10, 8), { ...options, store })).rejects.toThrow(/stale, of another sample/)
    await expect(cachedTeacher(ancestor, features, tinyImages(9), { ...options, store })).rejects.toThrow(/images: must be 9, is 10/)
    disposeNetwork(other)
    await expectRight(await stored('stale'))
  })

  it('goes on where a killed process left it: complete chunks count, half ones do not', async () => {
    await stored('killed')
    const file = (name: string) => join(dir, 'killed', name)
    await rename(file('chunk-000001.f32'), file('.chunk-000001.f32.1234.tmp'))
    await truncate(file('chunk-000002.f32'), 8)
    await writeFile(file('.chunk-000002.f32.5678.tmp'), 'of a process that is at work')
    const longAgo = new Date(Date.now() - 120_000)
    await utimes(file('.chunk-000001.f32.1234.tmp'), longAgo, longAgo)
    computed = 0
    const teacher = await stored('killed', { memoryLimit: 0 })
    expect(computed).toBe(10 + 4 + 2) // the sample, two chunks
    const left = await readdir(join(dir, 'killed'))
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual(['.chunk-000002.f32.5678.tmp'])
    await expectRight(teacher)
  })

  it('computes anew what the store says it has and then cannot read', async () => {
    await stored('unreadable')
    const folder = featureFolder(join(dir, 'unreadable'))
    const unreadable: ChunkStore = { ...folder, read: (chunk, ranges) => chunk !== 1 && folder.read(chunk, ranges) }
    computed = 0
    const teacher = await cachedTeacher(ancestor, features, source, { ...options, store: unreadable })
    expect(computed).toBe(10 + 4) // the sample, one chunk
    await expectRight(teacher)
  })

  it('does not take a folder with other files', async () => {
    await writeFile(join(dir, 'mine.txt'), 'mine')
    await expect(cachedTeacher(ancestor, features, source, { store: featureFolder(dir) })).rejects.toThrow(
      /it has other files\. Name another/,
    )
  })

  it('warns once where there is no space, and goes on without', async () => {
    const events: ReportEvent[] = []
    const folder = featureFolder(join(dir, 'full'))
    const full: ChunkStore = {
      ...folder,
      write: (chunk, values) =>
        chunk === 0
          ? folder.write(chunk, values)
          : Promise.reject(new Error('chunk-000001.f32: cannot be written: ENOSPC: no space left on device')),
    }
    const report = (event: ReportEvent) => void events.push(event)
    const teacher = await cachedTeacher(ancestor, features, source, { ...options, memoryLimit: 0, store: full, report })
    expect(events).toEqual([
      {
        kind: 'message',
        text: "the ancestor's features are not stored any further: chunk-000001.f32: cannot be written: ENOSPC: no space left on device",
      },
    ])
    await expectRight(teacher)
  })
})
