import '@tensorflow/tfjs-backend-cpu'
import '@learngene/ops/gradients'
import { adamW, adamWRow, classTargets, crossEntropy } from '@learngene/ops'
import { dispose, fill, mean, memory, type Tensor, tensor2d, tidy, variable, variableGrads, zerosLike } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { costOf } from './cost.js'
import { loadModel, loadParameters, readParameters, saveModel } from './model-file.js'
import { disposeNetwork, forward, type Network, parametersOf } from './network.js'
import { encodeSafetensors, type NamedFloatTensor, openSafetensors, SafetensorsError } from './safetensors/index.js'
import { referenceBytes } from './safetensors/testing/reference.js'
import { structureOf } from './structure.js'
import { goldenConfig, goldenNetwork } from './testing/golden.js'
import { createRng } from './testing/rng.js'
import { scaleParts, tinyConfig, tinyImages } from './testing/tiny.js'
import { createViT } from './vit.js'

const metadataOf = (structure: unknown, schema: unknown = 1) => ({ learngene: JSON.stringify({ schema, structure, details: {} }) })

function logitsOf(network: Network): Float32Array {
  return tidy(() => forward(network, tinyImages(2, 9)).logits.dataSync() as Float32Array)
}

it.each([false, true])('gives structure, details and every bit of the weights back, distilled %s', async (distilled) => {
  const before = memory().numTensors
  const network = createViT({ ...tinyConfig, epsilon: 1e-5, distilled }, createRng(0))
  const details = { mean: [0.5], classes: ['a', 'b', 'ü'], from: { seed: 3, note: null } }
  const bytes = await saveModel(network, { details })
  const loaded = await loadModel(bytes)
  expect(loaded.details).toEqual(details)
  expect(structureOf(loaded.network)).toEqual(structureOf(network))
  expect(await readParameters(parametersOf(loaded.network))).toEqual(await readParameters(parametersOf(network)))
  expect(logitsOf(loaded.network)).toEqual(logitsOf(network))
  expect(costOf(loaded.network)).toEqual(costOf(network))
  expect(await saveModel(loaded.network, { details })).toEqual(bytes)
  disposeNetwork(network)
  disposeNetwork(loaded.network)
  expect(memory().numTensors).toBe(before)
})

it.each([
  ['F16', 2 ** -11, 2 ** -25],
  ['BF16', 2 ** -8, 2 ** -134],
] as const)('stores %s within its rounding, the same for all readers', async (dtype, relative, absolute) => {
  const network = createViT(tinyConfig, createRng(0))
  const bytes = await saveModel(network, { dtype })
  const { network: loaded } = await loadModel(bytes)
  const original = await readParameters(parametersOf(network))
  for (const [i, { name, data }] of (await readParameters(parametersOf(loaded))).entries()) {
    const wrong = data.findIndex((value, k) => {
      const given = original[i]!.data[k]!
      return !(Math.abs(value - given) <= Math.max(relative * Math.abs(given), absolute))
    })
    expect(wrong, name).toBe(-1)
  }
  expect(await saveModel(loaded, { dtype })).toEqual(bytes)
  disposeNetwork(network)
  disposeNetwork(loaded)
})

it('refuses other heads than a file of ours states, and leaves nothing allocated', async () => {
  const golden = await goldenNetwork()
  const bytes = await saveModel(golden)
  disposeNetwork(golden)
  const before = memory().numTensors
  const { heads } = goldenConfig
  await expect(loadModel(bytes, { name: 'ours', heads: heads + 1 })).rejects.toThrow(
    `ours: heads are given only where the files do not tell them; this one states ${heads}, got ${heads + 1}: leave them out`,
  )
  expect(memory().numTensors).toBe(before)
  disposeNetwork((await loadModel(bytes, { heads })).network)
})

describe('a timm checkpoint without metadata', () => {
  it('is read as it is', async () => {
    const golden = await goldenNetwork()
    const bytes = encodeSafetensors(await readParameters(parametersOf(golden)))
    const { network, details } = await loadModel(bytes, { heads: goldenConfig.heads })
    expect(structureOf(network)).toEqual(structureOf(golden))
    expect(details).toEqual({})
    expect(await readParameters(parametersOf(network))).toEqual(await readParameters(parametersOf(golden)))
    disposeNetwork(network)
    disposeNetwork(golden)
  })

  it.each(['timm-vit-fp16', 'timm-vit-bf16'] as const)('is read from half precision: %s', async (reference) => {
    const { network } = await loadModel(referenceBytes(reference), { heads: 2 })
    const file = await openSafetensors(referenceBytes(reference), { name: reference })
    for (const { name, data } of await readParameters(parametersOf(network))) expect(data).toEqual(await file.readFloat32(name))
    disposeNetwork(network)
  })

  it('needs the number of heads where the width does not tell it', async () => {
    const before = memory().numTensors
    await expect(loadModel(referenceBytes('timm-vit-fp16'), { name: 'half' })).rejects.toThrow('half: give the number of heads, { heads }')
    expect(memory().numTensors).toBe(before)
  })

  it('names the file when the heads do not fit', async () => {
    await expect(loadModel(referenceBytes('timm-vit-fp16'), { name: 'half', heads: 7 })).rejects.toThrow(
      /^half: transformer block: heads must divide the width; got width \d+ and 7 heads$/,
    )
  })
})

describe('a broken file is refused, and nothing stays allocated', () => {
  let bytes: Uint8Array
  let tensors: NamedFloatTensor[]
  let metadata: { [key: string]: string }
  beforeAll(async () => {
    const network = createViT(tinyConfig, createRng(0))
    bytes = await saveModel(network)
    tensors = await readParameters(parametersOf(network))
    metadata = metadataOf(structureOf(network))
    disposeNetwork(network)
  })

  async function expectRefusal(file: Uint8Array, message: string | RegExp) {
    const before = memory().numTensors
    const error: Error = await loadModel(file, { name: 'model.safetensors', parts: scaleParts }).then(
      () => expect.fail('was read'),
      (error) => error,
    )
    expect(error).toBeInstanceOf(SafetensorsError)
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^model\.safetensors: [^\n]*$/)
    expect(memory().numTensors).toBe(before)
  }

  it('cut anywhere', async () => {
    for (const length of [0, 7, 8, 100, bytes.length / 2, bytes.length - 1]) await expectRefusal(bytes.subarray(0, length), /./)
  })

  it('with a tensor missing, too much, misshapen or not finite, naming it', async () => {
    const encode = (list: NamedFloatTensor[]) => encodeSafetensors(list, { metadata })
    await expectRefusal(encode(tensors.filter(({ name }) => name !== 'blocks.2.mlp.fc2.bias')), '1 missing: "blocks.2.mlp.fc2.bias" [6]')
    await expectRefusal(
      encode([...tensors, { name: 'dist_token', shape: [1], data: Float32Array.of(0) }]),
      '1 not expected: "dist_token" [1]',
    )
    await expectRefusal(
      encode(tensors.map((tensor) => (tensor.name === 'head.weight' ? { ...tensor, shape: [6, 3] } : tensor))),
      '1 of another shape: "head.weight" (expected [3, 6], found [6, 3])',
    )
    const infinite = bytes.slice()
    new DataView(infinite.buffer).setFloat32(bytes.length - 4, Number.POSITIVE_INFINITY, true)
    await expectRefusal(infinite, 'tensor "head.bias": every value must be finite, found Infinity at index 2')
  })

  it('with metadata that describe no network', async () => {
    const structure = JSON.parse(metadata.learngene!).structure
    const refuse = (changed: unknown, message: string | RegExp, schema: unknown = 1) =>
      expectRefusal(encodeSafetensors(tensors, { metadata: metadataOf(changed, schema) }), message)
    await expectRefusal(encodeSafetensors(tensors, { metadata: { learngene: '{' } }), /metadata 'learngene': .*JSON/)
    await expectRefusal(encodeSafetensors(tensors, { metadata: { learngene: '[]' } }), "metadata 'learngene': it must be an object; got []")
    await refuse(structure, "metadata 'learngene': its schema must be 1, as this version writes it; got 2", 2)
    await refuse(undefined, 'structure must be an object; got nothing')
    await refuse({ ...structure, geometry: [] }, 'structure.geometry must be an object; got []')
    await refuse({ ...structure, classes: '3' }, `'classes' must be a positive number; got "3"`)
    await refuse({ ...structure, distillationToken: 1 }, 'structure.distillationToken must be true or false; got 1')
    await refuse({ ...structure, blocks: {} }, 'structure.blocks must be a list; got {...}')
    await refuse(
      { ...structure, blocks: [{ kind: 3, config: {} }] },
      'structure.blocks[0].kind must be the name of a kind, of at most 100 characters; got 3',
    )
    await refuse({ ...structure, blocks: [{ kind: 'transformer' }] }, 'structure.blocks[0].config must be an object; got nothing')
    await refuse(
      { ...structure, blocks: [{ kind: 'mixer', config: {} }] },
      "unknown block kind 'mixer'; known are transformer, stitch, loraStitch, scale. Pass its factory",
    )
    const transformer = (config: object) => ({ ...structure, blocks: [{ kind: 'transformer', config: { width: 6, heads: 2, ...config } }] })
    await refuse(transformer({ mlpRatio: { toString: 1 } }), "config: 'mlpRatio' must be a positive number; got {...}")
    await refuse(transformer({ epsilon: null }), "config: 'epsilon' must be a positive number; got null")
    await refuse(transformer({ mlpRatio: 1e6 }), '"blocks.0.mlp.fc1.weight" (expected [6000000, 6], found [24, 6])')
    const stitch = (outputWidth: unknown) => ({ ...structure, blocks: [{ kind: 'stitch', config: { inputWidth: 6, outputWidth } }] })
    await refuse({ ...stitch(16e6), headWidth: 16e6 }, '"blocks.0.weight" [16000000, 6]')
    await refuse(stitch(['a\nb']), `config: 'outputWidth' must be a positive number; got ["a\\nb"]`)
    await refuse({ ...structure, blocks: Array(513).fill(structure.blocks[0]) }, 'structure.blocks must have at most 512 items; got 513')
    await refuse({ ...structure, headWidth: 9 }, "the head must take the width 6 that block 2 ('transformer') gives; it takes 9")
    await refuse(
      { ...structure, embeddingWidth: 1e15, headWidth: 1e15, blocks: [] },
      "config: 'embeddingWidth' must be at most 16777216; got 1000000000000000",
    )
  })
})

it('loads nothing in part', async () => {
  const network = createViT(tinyConfig, createRng(0))
  const parameters = parametersOf(network)
  const before = await readParameters(parameters)
  const other = createViT(tinyConfig, createRng(1))
  const bytes = (await saveModel(other)).slice()
  new DataView(bytes.buffer).setFloat32(bytes.length - 4, Number.NaN, true)
  await expect(loadParameters(parameters, await openSafetensors(bytes, { name: 'x' }))).rejects.toThrow('tensor "head.bias"')
  expect(await readParameters(parameters)).toEqual(before)
  disposeNetwork(network)
  disposeNetwork(other)
})

it('refuses to store weights that are not finite, naming them', async () => {
  const network = createViT(tinyConfig, createRng(0))
  const bias = network.head.parameters['head.bias']!
  tidy(() => bias.assign(fill([3], Number.NaN)))
  await expect(saveModel(network)).rejects.toThrow('tensor "head.bias": every value must be finite, got NaN at index 0')
  disposeNetwork(network)
})

describe("somebody's own block kind", () => {
  const config = { ...tinyConfig, block: (i: number) => (i === 1 ? { kind: 'scale', config: { width: 6, gain: 0.25 } } : standard) }
  const standard = { kind: 'transformer', config: { width: 6, heads: 2 } }

  it('trains, is costed, is saved and loaded again', async () => {
    const before = memory().numTensors
    const network = createViT(config, createRng(2), scaleParts)
    const parameters = parametersOf(network)
    const images = tinyImages(4, 1)
    const moments = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, { m: zeros(value), v: zeros(value) }]))
    const start = (await readParameters(parameters)).map(({ data }) => data.slice())
    const losses: number[] = []
    const alive = memory().numTensors
    for (let step = 1; step <= 12; step++) {
      const { value, grads } = variableGrads(
        () => tidy(() => mean(crossEntropy(forward(network, images).logits, classTargets([0, 1, 2, 0], 3)))),
        Object.values(parameters),
      )
      losses.push(value.dataSync()[0]!)
      const slots = Object.entries(parameters).map(([name, parameter]) => {
        return { parameter, gradient: grads[parameter.name]!, ...moments[name]!, row: 0 }
      })
      const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
      tidy(() => adamW(slots, tensor2d([adamWRow({ learningRate: 0.05, weightDecay: 0, step }, constants), [1, 0, 0, 0]]), constants))
      dispose([value, grads])
      expect(memory().numTensors).toBe(alive)
    }
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!)
    for (const [i, { name, data }] of (await readParameters(parameters)).entries()) expect(data, name).not.toEqual(start[i])

    const bytes = await saveModel(network)
    const { network: loaded } = await loadModel(bytes, { parts: scaleParts })
    expect(loaded.blocks[1]).toMatchObject({ kind: 'scale', config: { width: 6, gain: 0.25 } })
    expect(await readParameters(parametersOf(loaded))).toEqual(await readParameters(parameters))
    expect(logitsOf(loaded)).toEqual(logitsOf(network))
    const without = createViT({ ...tinyConfig, depth: 2 }, createRng(0))
    expect(costOf(loaded).macs - costOf(without).macs).toBe(5 * 6)
    expect(costOf(loaded).parameters - costOf(without).parameters).toBe(12)
    for (const each of [network, loaded, without]) disposeNetwork(each)
    dispose([images, ...Object.values(moments).flatMap(({ m, v }) => [m, v])])
    expect(memory().numTensors).toBe(before)

    await expect(loadModel(bytes, { name: 'own' })).rejects.toThrow(
      "own: unknown block kind 'scale'; known are transformer, stitch, loraStitch. Pass its factory: { parts: { blocks: { 'scale': factory } } }",
    )
    expect(memory().numTensors).toBe(before)
  })
})

function zeros(like: Tensor) {
  const initial = zerosLike(like)
  const result = variable(initial)
  initial.dispose()
  return result
}
