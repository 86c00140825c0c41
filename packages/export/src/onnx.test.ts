import type { JsonObject } from '@learngene/interfaces'
import type { Block } from '@learngene/interfaces/tensors'
import { disposePool } from '@learngene/learngene-pool'
import { createLoraStitch, descendantOf, formatPath } from '@learngene/stitch'
import { expectRefusal, startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { buildNetwork, constant, disposeNetwork, forward, type Network, structureOf } from '@learngene/vit-blocks'
import { add, div, memory, mul, sub, sum, type Tensor3D, type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeModel } from './onnx/schema.js'
import { type OnnxOptions, toOnnx } from './onnx.js'
import { checkOnnx, pythonWithOnnx } from './testing/check-onnx.js'
import { enliven, imagesFor, livelyViT, tinyPool, variants } from './testing/networks.js'
import { largestDifference, runOnnx, runOurs } from './testing/run-onnx.js'

beforeAll(() => startBackend('wasm'))

/** The logits are of the size of 1 and more. */
const tolerance = 1e-4

/** The largest difference between the network's logits of 64 images and those of its ONNX model. */
async function differenceOf(network: Network, options: OnnxOptions = {}): Promise<number> {
  const images = imagesFor(network, 64)
  const expected = runOurs(network, images)
  expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.5)
  const { values, dims } = await runOnnx(await toOnnx(network, options), images)
  const { classes, pooledWidth } = network.head
  expect(dims).toEqual([64, classes > 0 ? classes : pooledWidth])
  images.dispose()
  return largestDifference(values, expected)
}

describe('an ONNX model gives the logits of the network for 64 images in onnxruntime-web', () => {
  it.each(Object.entries(variants))('%s', async (_, config) => {
    const before = memory().numTensors
    const network = livelyViT(config)
    expect(await differenceOf(network)).toBeLessThan(tolerance)
    disposeNetwork(network)
    expect(memory().numTensors).toBe(before)
  })

  it.each(
    [17, 18, 19].flatMap((opset) =>
      ['plain', 'tanh GELU', 'QuickGELU', 'averages, norm before pooling', 'attention pooling'].map((name) => [opset, name] as const),
    ),
  )('opset %d: %s', async (opset, name) => {
    const network = livelyViT(variants[name])
    expect(await differenceOf(network, { opset })).toBeLessThan(tolerance)
    disposeNetwork(network)
  })

  it('every descendant of a pool, stitched or not', async () => {
    const pool = tinyPool()
    const paths = [...pool.space.enumerate()]
    expect(paths.some(({ stitches }) => stitches.length > 0)).toBe(true)
    for (const path of paths) {
      expect(await differenceOf(descendantOf(pool, path)), formatPath(path.path)).toBeLessThan(tolerance)
    }
    disposePool(pool)
  })

  it('what is cut out of an ancestor whose embedding and pooling keep their width', async () => {
    const attentionPool = { width: 16, heads: 2 }
    const structure = {
      ...structureOf(livelyViT({ embeddingNorm: true, registerTokens: 1 })),
      projectedFrom: 20,
      pooling: 'attention',
      attentionPool,
    } as const
    const network = buildNetwork(structure, {}, createRng(4))
    enliven(network, 6)
    expect(await differenceOf(network)).toBeLessThan(tolerance)
    disposeNetwork(network)
  })

  it('early exits', async () => {
    const network = livelyViT({ depth: 3 })
    for (const depth of [0, 1, 2])
      expect(await differenceOf({ ...network, blocks: network.blocks.slice(0, depth) })).toBeLessThan(tolerance)
    disposeNetwork(network)
  })

  it('a LoRA stitch, written as the plain one that it has become, and freed', async () => {
    const [front, back] = [livelyViT({ width: 8 }), livelyViT({ width: 12 })]
    const stitch = createLoraStitch({ inputWidth: 8, outputWidth: 12, rank: 3 }, createRng(1))
    const network = { embedding: front.embedding, blocks: [front.blocks[0]!, stitch, back.blocks[1]!], head: back.head }
    enliven(network, 5)
    const before = memory().numTensors
    expect(await differenceOf(network)).toBeLessThan(tolerance)
    expect(memory().numTensors).toBe(before)
    const { graph } = decodeModel((await toOnnx(network)).model)
    expect(graph.initializer.map(({ name }) => name).filter((name) => name.startsWith('blocks.1.'))).toEqual([
      'blocks.1.weight',
      'blocks.1.bias',
    ])
    for (const each of [front, back]) disposeNetwork(each)
    for (const parameter of Object.values(stitch.parameters)) parameter.dispose()
  })

  it('with weights outside of its file', async () => {
    const network = livelyViT({ width: 32 })
    const options = { externalAbove: 0, dataFile: 'other.onnx_data' }
    const { model, data } = await toOnnx(network, options)
    expect(data!.name).toBe('other.onnx_data')
    expect(model.length).toBeLessThan(0.3 * data!.bytes.length)
    expect(await differenceOf(network, options)).toBeLessThan(tolerance)
    expect((await toOnnx(network, { externalAbove: 1e9 })).data).toBeUndefined()
    disposeNetwork(network)
  })
})

describe('smaller weights', () => {
  it.each([
    ['float16', 0.004, 0.55],
    ['int8', 0.05, 0.32],
  ] as const)(
    '%s: logits of the same classes, to a share of %d of the largest, in a share of %d of the bytes',
    async (weights, most, bytes) => {
      const network = livelyViT({ width: 96, heads: 3, depth: 3 })
      const images = imagesFor(network, 64)
      const expected = runOurs(network, images)
      const full = await toOnnx(network)
      const small = await toOnnx(network, { weights })
      const { values } = await runOnnx(small, images)
      const share = largestDifference(values, expected) / Math.max(...expected.map(Math.abs))
      expect(share).toBeLessThan(most)
      expect(share).toBeGreaterThan(0)
      expect(small.model.length / full.model.length).toBeLessThan(bytes)
      images.dispose()
      disposeNetwork(network)
    },
  )

  it.each(['float16', 'int8'] as const)('%s on every variant and opset', async (weights) => {
    for (const [name, config] of Object.entries(variants)) {
      const network = livelyViT(config)
      for (const opset of [17, 20]) {
        const images = imagesFor(network, 8)
        const expected = runOurs(network, images)
        const { values } = await runOnnx(await toOnnx(network, { weights, opset }), images)
        expect(largestDifference(values, expected) / Math.max(...expected.map(Math.abs)), name).toBeLessThan(0.2)
        images.dispose()
      }
      disposeNetwork(network)
    }
  })

  it('names a weight that float16 cannot hold', async () => {
    const network = livelyViT()
    const weight = network.blocks[1]!.parameters['mlp.fc1.weight']!
    tidy(() => weight.assign(mul(weight, 1e6)))
    await expect(toOnnx(network, { weights: 'float16' })).rejects.toThrow(
      /^ONNX: 'blocks.1.mlp.fc1.weight' must round to at most 65504 in float16; got -?\d+.*: store it as float32$/,
    )
    disposeNetwork(network)
  })
})

describe('what a model does itself', () => {
  it('normalises pixels from 0 to 1', async () => {
    const network = livelyViT()
    const normalisation = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 0.75] }
    const pixels = tensor4d(Float32Array.from({ length: 4 * 12 * 12 * 3 }, createRng(2).uniform), [4, 12, 12, 3])
    const expected = tidy(() => {
      const [mean, std] = [normalisation.mean, normalisation.std].map((values) => tensor4d(values, [1, 1, 1, 3]))
      return runOurs(network, div(sub(pixels, mean!), std!) as Tensor4D)
    })
    const { values } = await runOnnx(await toOnnx(network, { normalisation }), pixels)
    expect(largestDifference(values, expected)).toBeLessThan(tolerance)
    pixels.dispose()
    disposeNetwork(network)
  })

  it('makes RGB grey', async () => {
    const network = livelyViT({ channels: 1 })
    const colours = tensor4d(Float32Array.from({ length: 2 * 12 * 12 * 3 }, createRng(2).uniform), [2, 12, 12, 3])
    const expected = tidy(() => runOurs(network, sum(mul(colours, tensor4d([0.299, 0.587, 0.114], [1, 1, 1, 3])), 3, true) as Tensor4D))
    const { values } = await runOnnx(await toOnnx(network, { fromRgb: true }), colours)
    expect(largestDifference(values, expected)).toBeLessThan(tolerance)
    colours.dispose()
    disposeNetwork(network)
  })
})

/** x (1 + gain) + shift per channel. */
function createScale(width: number): Block {
  const parameters = { gain: constant(0.3, [width]), shift: constant(0.2, [width]) }
  return {
    kind: 'scale',
    config: { width } as JsonObject,
    inputWidth: width,
    outputWidth: width,
    parameters,
    macs: () => 0,
    liveFloats: () => 0,
    forward: (x) => tidy(() => add(x, add(mul(x, parameters.gain), parameters.shift)) as Tensor3D),
  }
}

describe('a block of a kind of its own', () => {
  it('is refused, saying what would do, and written by a writer of its own', async () => {
    const plain = livelyViT()
    const network = { ...plain, blocks: [plain.blocks[0]!, createScale(12), plain.blocks[1]!] }
    await expectRefusal(
      () => toOnnx(network),
      "toOnnx: block 1 is of the kind 'scale', which has no writer; known are transformer, stitch. Say how it is written: { writers: { blocks: { 'scale': (graph, part, x) => ... } } }",
    )
    const options: OnnxOptions = {
      writers: {
        blocks: {
          scale(graph, { parameters }, x) {
            const scaled = graph.operation('Mul', [x, graph.weight('gain', parameters.gain!)])
            return graph.operation('Add', [x, graph.operation('Add', [scaled, graph.weight('shift', parameters.shift!)])])
          },
        },
      },
    }
    expect(await differenceOf(network, options)).toBeLessThan(tolerance)
    expect(decodeModel((await toOnnx(network, options)).model).graph.initializer.map(({ name }) => name)).toContain('blocks.1.gain')
    disposeNetwork(network)
  })

  it('must name its weights apart', async () => {
    const plain = livelyViT()
    const options: OnnxOptions = {
      writers: {
        blocks: {
          transformer: (graph, { parameters }, x) =>
            graph.operation('Add', [
              graph.weight('x', parameters['norm1.weight']!),
              graph.operation('Add', [x, graph.weight('x', parameters['norm1.bias']!)]),
            ]),
        },
      },
    }
    await expect(toOnnx(plain, options)).rejects.toThrow("ONNX: two weights are named 'blocks.0.x'; name one differently")
    disposeNetwork(plain)
  })
})

it.each<[object, string]>([
  [{ opset: 16 }, "toOnnx: 'opset' must be 17, 18, 19 or 20; got 16"],
  [{ weights: 'int4' }, "toOnnx: 'weights' must be float32, float16, int8; got 'int4'"],
  [{ externalAbove: -1 }, "toOnnx: 'externalAbove' must be a number of bytes of at least 0; got -1"],
  [{ fromRgb: true }, "toOnnx: 'fromRgb' is for networks of grey images; this one takes 3 channels"],
  [
    { normalisation: { mean: [0], std: [1] } },
    "toOnnx: 'normalisation.mean' must be one number for each of 3 channels, std positive; got [0]",
  ],
  [
    { normalisation: { mean: [0, 0, 0], std: [1, 0, 1] } },
    "toOnnx: 'normalisation.std' must be one number for each of 3 channels, std positive; got [1,0,1]",
  ],
  [{ dtype: 'f16' }, "toOnnx: there is no option 'dtype'; the options are opset, weights,"],
])('refuses the options %j', async (options, message) => {
  const network = livelyViT()
  await expect(toOnnx(network, options)).rejects.toThrow(message)
  disposeNetwork(network)
})

it('refuses what is no network', async () => {
  await expect(toOnnx({} as Network)).rejects.toThrow(
    'toOnnx: network must be a network, for example of loadModel or createViT; got an empty object',
  )
})

it('says in its metadata what it is', async () => {
  const network = livelyViT()
  const { metadataProps, opsetImport, irVersion } = decodeModel(
    (await toOnnx(network, { opset: 18, details: { classNames: ['a'] } })).model,
  )
  expect([irVersion, opsetImport[0]!.version]).toEqual([8n, 18n])
  expect(JSON.parse(metadataProps[0]!.value)).toMatchObject({
    structure: { classes: 5, embeddingWidth: 12 },
    details: { classNames: ['a'] },
  })
  disposeNetwork(network)
})

const python = await pythonWithOnnx()

describe.skipIf(python === undefined)(
  `onnx.checker of Python (${python ?? 'no Python here has the package onnx; LEARNGENE_PYTHON names one'})`,
  () => {
    it.each([17, 18, 19, 20])('takes every variant in every type of weights: opset %d', async (opset) => {
      for (const config of Object.values(variants)) {
        const network = livelyViT(config)
        for (const weights of opset === 20 ? (['float32', 'float16', 'int8'] as const) : (['int8'] as const)) {
          await checkOnnx(python!, await toOnnx(network, { opset, weights }))
        }
        disposeNetwork(network)
      }
      const network = livelyViT({ width: 32 })
      await checkOnnx(python!, await toOnnx(network, { opset, externalAbove: 0, dataFile: 'model.onnx_data' }))
      disposeNetwork(network)
    })
  },
)

it('runs the whole of what forward runs', async () => {
  // A guard for the comparison itself: another network has other logits.
  const [a, b] = [livelyViT({}, 1), livelyViT({}, 2)]
  const images = imagesFor(a, 4)
  const { values } = await runOnnx(await toOnnx(a), images)
  const other = tidy(() => forward(b, images).logits.dataSync())
  expect(largestDifference(values, other)).toBeGreaterThan(0.1)
  images.dispose()
  for (const network of [a, b]) disposeNetwork(network)
})
