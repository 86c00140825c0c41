import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@learngene/interfaces'
import { disposePool } from '@learngene/learngene-pool'
import { descendantOf } from '@learngene/stitch'
import { startBackend } from '@learngene/testing'
import { disposeNetwork, type Network, openSafetensors, structureOf, type ViTConfig } from '@learngene/vit-blocks'
import { loadViT } from '@learngene/vit-blocks/node'
import { memory } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { saveFiles } from './node.js'
import { imagesFor, livelyViT, tinyPool, variants } from './testing/networks.js'
import { largestDifference, runOurs } from './testing/run-onnx.js'
import { toHuggingFace, toTimm } from './timm-huggingface.js'

const classNames = ['ant', 'bee', 'cat', 'dog', 'eel']
const preprocessing = {
  size: [12, 12],
  crop: 'center',
  cropPct: 0.75,
  interpolation: 'bicubic',
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.3, 0.4],
}
const details: JsonObject = { classNames, preprocessing }

let root: string
beforeAll(async () => {
  await startBackend('wasm')
  root = await mkdtemp(join(tmpdir(), 'learngene-timm-'))
})
afterAll(() => rm(root, { recursive: true }))

async function reloaded(write: typeof toTimm, network: Network, given: JsonObject) {
  const folder = await mkdtemp(join(root, 'model-'))
  await saveFiles(folder, await write(network, { details: given }))
  return loadViT(folder)
}

/** What our own reader makes of the files: the same structure, and the same logits. */
async function expectRoundTrip(write: typeof toTimm, config: Partial<ViTConfig>): Promise<void> {
  const before = memory().numTensors
  const network = livelyViT(config)
  const own: JsonObject = network.head.classes === 0 || config.channels === 1 ? {} : details
  const loaded = await reloaded(write, network, own)
  const images = imagesFor(network, 8)
  expect(structureOf(loaded.network)).toEqual(structureOf(network))
  expect(largestDifference(runOurs(loaded.network, images), runOurs(network, images))).toBeLessThan(1e-5)
  expect(loaded.details.classNames).toEqual(own.classNames)
  images.dispose()
  for (const each of [network, loaded.network]) disposeNetwork(each)
  expect(memory().numTensors).toBe(before)
}

const without = (...names: string[]) => Object.entries(variants).filter(([name]) => !names.includes(name))

describe('toTimm', () => {
  it.each(without('token and average', 'heads of a width of their own', 'attention pooling'))(
    '%s: read again to equal logits',
    async (_, config) => {
      await expectRoundTrip(toTimm, config)
    },
  )

  it('attention pooling by heads and an MLP as in the blocks', async () => {
    await expectRoundTrip(toTimm, { classToken: false, pooling: 'attention', attentionPool: { heads: 2 } })
  })

  it('an MLP whose width is no multiple', async () => {
    await expectRoundTrip(toTimm, { mlpRatio: 41 / 12 })
  })

  it.each([
    [preprocessing, preprocessing],
    [{ ...preprocessing, crop: undefined, cropPct: undefined, resize: { shortest: 16 }, centerCrop: true }, preprocessing],
    [
      { ...preprocessing, crop: undefined, cropPct: undefined, resize: { squash: [12, 12] }, centerCrop: false },
      { ...preprocessing, crop: 'squash', cropPct: 1 },
    ],
  ])('keeps the preprocessing %j', async (given, expected) => {
    const network = livelyViT()
    const loaded = await reloaded(toTimm, network, { classNames, preprocessing: JSON.parse(JSON.stringify(given)) })
    expect(loaded.details.preprocessing).toEqual(expected)
    for (const each of [network, loaded.network]) disposeNetwork(each)
  })

  it("has timm's names alone, in the type that was asked for", async () => {
    const network = livelyViT({ embeddingNorm: true })
    const files = await toTimm(network, { dtype: 'F16' })
    expect([...files.keys()]).toEqual(['config.json', 'model.safetensors'])
    const { tensors, metadata } = await openSafetensors(files.get('model.safetensors')!, { name: 'x' })
    expect(metadata).toEqual({ format: 'pt' })
    expect(tensors.get('blocks.1.attn.qkv.weight')!.dtype).toBe('F16')
    expect(tensors.has('patch_embed.proj.bias')).toBe(false)
    disposeNetwork(network)
  })

  it.each<[Partial<ViTConfig>, JsonObject, string]>([
    [
      variants['token and average']!,
      {},
      "toTimm: this network has the pooling 'tokenAverage', which timm's VisionTransformer does not have: export it as ONNX",
    ],
    [
      variants['heads of a width of their own']!,
      {},
      "has heads of width 5, which timm's VisionTransformer does not have: export it as ONNX or for transformers.js",
    ],
    [variants['attention pooling']!, {}, 'has attention pooling whose width, heads, MLP or activation are not those of the blocks'],
    [{ epsilon: 1e-3 }, {}, 'has layer norms of epsilon 0.001, not 1e-6 or 1e-5'],
    [{}, { classNames: ['a'] }, 'class names must be one non-empty text for each of the 5 classes'],
    [
      {},
      { preprocessing: { size: [12, 12], resize: 'none', centerCrop: true, interpolation: 'bicubic', mean: [0, 0, 0], std: [1, 1, 1] } },
      "toTimm: timm's preprocessing resizes to a share of its size and cuts the middle out; that of the details is",
    ],
  ])('refuses %j with %j', async (config, given, message) => {
    const network = livelyViT(config)
    await expect(toTimm(network, { details: given })).rejects.toThrow(message)
    disposeNetwork(network)
  })
})

describe('toHuggingFace', () => {
  it.each(
    Object.entries(variants).filter(([name]) =>
      ['plain', 'tanh GELU', 'QuickGELU', 'a distillation token and its head', 'features only'].includes(name),
    ),
  )('%s: read again to equal logits', async (_, config) => {
    await expectRoundTrip(toHuggingFace, config)
  })

  it('writes the preprocessing beside', async () => {
    const network = livelyViT()
    expect([...(await toHuggingFace(network, { details })).keys()]).toEqual([
      'config.json',
      'preprocessor_config.json',
      'model.safetensors',
    ])
    expect([...(await toHuggingFace(network)).keys()]).toEqual(['config.json', 'model.safetensors'])
    disposeNetwork(network)
  })

  it('says which part transformers lacks', async () => {
    const network = livelyViT({ registerTokens: 2 })
    await expect(toHuggingFace(network)).rejects.toThrow('this network has register tokens')
    disposeNetwork(network)
  })
})

it.each([
  ['toTimm', toTimm],
  ['toHuggingFace', toHuggingFace],
] as const)('%s refuses a stitched descendant, says why, and what would do; one of a single tier it takes', async (name, write) => {
  const pool = tinyPool()
  const paths = [...pool.space.enumerate()]
  const stitched = descendantOf(pool, paths.find(({ stitches }) => stitches.length > 0)!)
  await expect(write(stitched)).rejects.toThrow(
    new RegExp(
      `^${name}: a plain ViT has transformer blocks of one size throughout; this network has \\d x transformer of width 8, 1 x stitch 8 to 12, \\d x transformer of width 12, ` +
        'which no class there runs: export it as ONNX or for transformers.js, which run any network, or keep it as a safetensors file of learngene, or take a path of one tier$',
    ),
  )
  expect((await write(descendantOf(pool, paths.find(({ stitches }) => stitches.length === 0)!))).size).toBe(2)
  disposePool(pool)
})

it.each([
  ['toTimm', toTimm],
  ['toHuggingFace', toHuggingFace],
] as const)('%s refuses what it does not take', async (name, write) => {
  await expect(write(undefined as unknown as Network)).rejects.toThrow(`${name}: network must be a network`)
  const network = livelyViT()
  await expect(write(network, { weights: 'int8' } as object)).rejects.toThrow(`${name}: there is no option 'weights'`)
  disposeNetwork(network)
})
