import '@tensorflow/tfjs-backend-cpu'
import { memory, mul, setBackend, tidy } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadModel, saveModel } from '../model-file.js'
import { disposeNetwork, forward, type Network } from '../network.js'
import { encodeSafetensors, openSafetensors } from '../safetensors/index.js'
import { createRng } from '../testing/rng.js'
import { tinyConfig, tinyImages } from '../testing/tiny.js'
import { createViT } from '../vit.js'

beforeAll(() => setBackend('cpu'))

const config = { ...tinyConfig, width: 32, heads: 2, registerTokens: 1 }

function lively(): Network {
  const network = createViT(config, createRng(1))
  for (const block of network.blocks) {
    for (const parameter of Object.values(block.parameters)) if (parameter.rank > 1) tidy(() => parameter.assign(mul(parameter, 8)))
  }
  return network
}

const logitsOf = (network: Network) =>
  tidy(() => {
    const { logits } = forward(network, tinyImages(4, 1))
    return [...logits.dataSync()]
  })

describe('a file of int8 weights', () => {
  it('has about a quarter of the bytes and is loaded as any other, by values within half a scale', async () => {
    const network = lively()
    const [full, small] = [await saveModel(network, { details: { a: 1 } }), await saveModel(network, { dtype: 'I8', details: { a: 1 } })]
    expect(small.length / full.length).toBeLessThan(0.36)
    const before = memory().numTensors
    const loaded = await loadModel(small)
    expect(loaded.details).toEqual({ a: 1 })
    for (const [i, block] of network.blocks.entries()) {
      for (const [name, parameter] of Object.entries(block.parameters)) {
        const [values, found] = [await parameter.data(), await loaded.network.blocks[i]!.parameters[name]!.data()]
        const columns = values.length / (parameter.rank > 1 ? parameter.shape[0]! : values.length)
        for (let row = 0; row < values.length / columns; row++) {
          const [own, its] = [values, found].map((all) => all.slice(row * columns, (row + 1) * columns) as Float32Array)
          const most = parameter.rank > 1 ? Math.max(...own!.map(Math.abs)) / 254 : 0
          own!.forEach((value, k) => {
            expect(Math.abs(value - its![k]!)).toBeLessThanOrEqual(most * 1.001)
          })
        }
      }
    }
    const [a, b] = [logitsOf(network), logitsOf(loaded.network)]
    const largest = Math.max(...a.map(Math.abs))
    expect(a).not.toEqual(b)
    for (const [i, logit] of a.entries()) expect(Math.abs(logit - b[i]!) / largest).toBeLessThan(0.05)
    // Saved again, nothing more is lost.
    expect(await saveModel(loaded.network, { dtype: 'I8', details: { a: 1 } })).toEqual(small)
    disposeNetwork(loaded.network)
    expect(memory().numTensors).toBe(before)
    disposeNetwork(network)
  })

  it('holds whole numbers and their scales, floats first', async () => {
    const network = lively()
    const { tensors } = await openSafetensors(await saveModel(network, { dtype: 'I8' }), { name: 'x' })
    expect(tensors.get('blocks.0.attn.qkv.weight')).toMatchObject({ dtype: 'I8', shape: [96, 32] })
    expect(tensors.get('blocks.0.attn.qkv.weight.scale')).toMatchObject({ dtype: 'F32', shape: [96] })
    expect(tensors.get('patch_embed.proj.weight')).toMatchObject({ dtype: 'I8', shape: [32, 1, 4, 4] })
    for (const name of ['pos_embed', 'cls_token', 'reg_token', 'norm.weight']) expect(tensors.get(name)!.dtype).toBe('F32')
    for (const { dtype, begin } of tensors.values()) if (dtype === 'F32') expect(begin % 4).toBe(0)
    disposeNetwork(network)
  })

  it.each<[string, (name: string) => boolean, string]>([
    ['no scales', (name) => name === 'blocks.0.attn.qkv.weight.scale', 'F32 [96], a scale for each row, found none'],
    ['another weight', (name) => name === 'blocks.0.attn.qkv.weight', '1 missing: "blocks.0.attn.qkv.weight"'],
  ])('is refused with %s', async (_, leave, message) => {
    const network = lively()
    const file = await openSafetensors(await saveModel(network, { dtype: 'I8' }), { name: 'x' })
    const kept = [...file.tensors].filter(([name]) => !leave(name))
    const tensors = await Promise.all(
      kept.map(async ([name, { shape }]) => ({ name, shape, data: (await file.read(name)).data as Float32Array })),
    )
    const before = memory().numTensors
    await expect(loadModel(encodeSafetensors(tensors, { metadata: file.metadata }))).rejects.toThrow(message)
    expect(memory().numTensors).toBe(before)
    disposeNetwork(network)
  })

  it('is refused where a scale is not finite', async () => {
    const network = lively()
    const bytes = await saveModel(network, { dtype: 'I8' })
    const { tensors } = await openSafetensors(bytes, { name: 'x' })
    new DataView(bytes.buffer).setFloat32(tensors.get('blocks.1.mlp.fc1.weight.scale')!.begin, Number.POSITIVE_INFINITY, true)
    await expect(loadModel(bytes)).rejects.toThrow('tensor "blocks.1.mlp.fc1.weight": every value must be finite')
    disposeNetwork(network)
  })

  it("is not written in Hugging Face's naming", async () => {
    const network = lively()
    await expect(saveModel(network, { dtype: 'I8', naming: 'huggingface' })).rejects.toThrow("nobody reads I8 in Hugging Face's naming")
    disposeNetwork(network)
  })
})
