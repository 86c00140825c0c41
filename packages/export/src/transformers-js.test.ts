import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, pipeline } from '@huggingface/transformers'
import { evaluationTransform, inChannels, preprocessingOf } from '@learngene/datasets'
import type { JsonObject, RawImage } from '@learngene/interfaces'
import { disposePool } from '@learngene/learngene-pool'
import { descendantOf } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, forward, type Network } from '@learngene/vit-blocks'
import { softmax, tensor4d, tidy } from '@tensorflow/tfjs-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saveFiles } from './node.js'
import { livelyViT, tinyPool } from './testing/networks.js'
import { type TransformersJsOptions, toTransformersJs } from './transformers-js.js'

env.allowRemoteModels = false
// Nothing of this library may come from anywhere else.
env.useFSCache = false

const size = [12, 12] as const
const classNames = ['ant', 'bee', 'cat', 'dog', 'eel']
const colours = { mean: [0.48, 0.46, 0.41], std: [0.27, 0.26, 0.28] }
const details: JsonObject = { classNames, preprocessing: { size, crop: 'center', cropPct: 1, interpolation: 'bicubic', ...colours } }

let root: string
beforeAll(async () => {
  await startBackend('wasm')
  root = await mkdtemp(join(tmpdir(), 'learngene-transformers-js-'))
})
afterAll(() => rm(root, { recursive: true }))

/** Pictures of random colours as files, and as they are decoded. */
async function writePictures(count: number, height: number, width: number): Promise<{ files: string[]; pictures: RawImage[] }> {
  const rng = createRng(11)
  const files: string[] = []
  const pictures: RawImage[] = []
  for (let i = 0; i < count; i++) {
    const tint = [rng.integer(200), rng.integer(200), rng.integer(200)]
    const data = Uint8Array.from({ length: 3 * height * width }, (_, k) => tint[k % 3]! + rng.integer(56))
    const file = join(root, `${height}x${width}-${i}.png`)
    await sharp(data, { raw: { height, width, channels: 3 } })
      .png()
      .toFile(file)
    files.push(file)
    pictures.push({ data, height, width, channels: 3 })
  }
  return { files, pictures }
}

interface Answer {
  readonly label: string
  readonly score: number
}

/** What transformers.js says of files, with the model's folder on disk, against what our `classify` says. */
async function answersOf(network: Network, options: TransformersJsOptions, files: readonly string[], dtype?: 'q8'): Promise<Answer[][]> {
  const folder = await mkdtemp(join(root, 'model-'))
  await saveFiles(folder, await toTransformersJs(network, options))
  const classifier = await pipeline('image-classification', folder, { ...(dtype && { dtype }), local_files_only: true })
  const answers = (await classifier([...files], { top_k: network.head.classes })) as unknown as Answer[][]
  await classifier.dispose()
  return answers
}

function ourAnswers(network: Network, given: JsonObject, pictures: readonly RawImage[]): Answer[][] {
  const { channels } = network.embedding.geometry
  const prepare = evaluationTransform(preprocessingOf(given, size))
  const pixels = pictures.flatMap((picture) => [...prepare(inChannels(picture, channels))])
  const probabilities = tidy(() => {
    const images = tensor4d(pixels, [pictures.length, ...size, channels])
    return softmax(forward(network, images).logits).arraySync() as number[][]
  })
  return probabilities.map((row) => row.map((score, i) => ({ label: classNames[i]!, score })).sort((a, b) => b.score - a.score))
}

function expectSame(found: readonly Answer[][], expected: readonly Answer[][], tolerance: number): void {
  expect(found.length).toBe(expected.length)
  for (const [i, answers] of expected.entries()) {
    expect(found[i]![0]!.label).toBe(answers[0]!.label)
    for (const { label, score } of answers) {
      expect(Math.abs(found[i]!.find((each) => each.label === label)!.score - score)).toBeLessThan(tolerance)
    }
  }
  expect(new Set(expected.map(([first]) => first!.label)).size).toBeGreaterThan(1)
}

describe('transformers.js itself, offline, gives our classes and probabilities', () => {
  it('of a ViT in colour', async () => {
    const network = livelyViT()
    const { files, pictures } = await writePictures(12, ...size)
    expectSame(await answersOf(network, { details }, files), ourAnswers(network, details, pictures), 1e-4)
    disposeNetwork(network)
  })

  it('of a stitched descendant of grey images, which are given in colour', async () => {
    const pool = tinyPool({ channels: 1 })
    const path = [...pool.space.enumerate()].find(({ stitches }) => stitches.length > 0)!
    const network = descendantOf(pool, path)
    const grey = { classNames, normalisation: { mean: [0.4], std: [0.2] } }
    const { files, pictures } = await writePictures(12, ...size)
    // Ours rounds grey to whole numbers from 0 to 255, as Pillow does.
    expectSame(await answersOf(network, { details: grey }, files), ourAnswers(network, grey, pictures), 0.02)
    disposePool(pool)
  })

  it('with int8 weights, nearly', async () => {
    const network = livelyViT({ width: 48 })
    const { files, pictures } = await writePictures(12, ...size)
    const [full, small] = [await answersOf(network, { details }, files), await answersOf(network, { details }, files, 'q8')]
    expect(small).not.toEqual(full)
    expectSame(small, ourAnswers(network, details, pictures), 0.1)
    disposeNetwork(network)
  })

  it('with weights outside of the graph', async () => {
    const network = livelyViT({ width: 48 })
    const { files, pictures } = await writePictures(4, ...size)
    const written = await toTransformersJs(network, { details, externalAbove: 0 })
    expect([...written.keys()]).toContain('onnx/model_quantized.onnx_data')
    expectSame(await answersOf(network, { details, externalAbove: 0 }, files), ourAnswers(network, details, pictures), 1e-4)
    disposeNetwork(network)
  })
})

it('writes what transformers.js reads, and no int8 model where none is wanted', async () => {
  const network = livelyViT()
  const files = await toTransformersJs(network, { details, quantised: false })
  expect([...files.keys()]).toEqual(['config.json', 'preprocessor_config.json', 'onnx/model.onnx'])
  const read = (name: string) => JSON.parse(new TextDecoder().decode(files.get(name)))
  expect(read('config.json')).toMatchObject({
    model_type: 'vit',
    id2label: { 0: 'ant', 4: 'eel' },
    'transformers.js_config': { dtype: 'fp32' },
  })
  expect(read('preprocessor_config.json')).toMatchObject({ image_mean: colours.mean, do_convert_rgb: true })
  disposeNetwork(network)
})

it.each<[Partial<Parameters<typeof livelyViT>[0]>, object, string]>([
  [{ classes: 0 }, { details }, 'the network must have a classifier; it gives features alone: export it with toOnnx'],
  [{}, {}, 'toTransformersJs: options.details must be an object; got undefined'],
  [{}, { details: { classNames } }, 'toTransformersJs: details must hold `preprocessing`, or `normalisation` { mean, std }'],
  [{}, { details: { normalisation: { mean: [0], std: [1] } } }, 'a mean and a std for each of 3 channels; they have 1 and 1'],
  [{ channels: 2 }, { details: { normalisation: { mean: [0, 0], std: [1, 1] } } }, 'the network must take 1 or 3 channels; it takes 2'],
  [
    {},
    { details: { ...details, classNames: ['a'] } },
    'details.classNames: class names must be one non-empty text for each of the 5 classes',
  ],
  [{}, { details, quantized: true }, "toTransformersJs: there is no option 'quantized'"],
])('refuses a network of %j with %j', async (config, options, message) => {
  const network = livelyViT(config)
  await expect(toTransformersJs(network, options as TransformersJsOptions)).rejects.toThrow(message)
  disposeNetwork(network)
})
