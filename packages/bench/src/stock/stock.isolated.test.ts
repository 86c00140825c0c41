import { useBackend } from '@learngene/backends'
import '@learngene/ops'
import { createRng } from '@learngene/training'
import { createViT, forward, type Network, parametersOf } from '@learngene/vit-blocks'
import { engine, reshape, type Tensor, type Tensor2D, type Tensor4D, tensor4d, transpose, type Variable } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { planDistillation } from '../plan.js'
import { WORKS } from '../task.js'
import { stockViT } from './network.js'
import { stockWork } from './work.js'

const model = { imageSize: 8, patchSize: 4, channels: 2, width: 12, depth: 4, heads: 3, classes: 5 }

beforeAll(() => useBackend('cpu'))

describe('the stock formulation', () => {
  it('computes what our network computes with the same weights', async () => {
    const before = new Set(Object.keys(engine().state.registeredVariables))
    const stock = stockViT(model)
    const made = Object.entries(engine().state.registeredVariables).flatMap(([name, variable]) => (before.has(name) ? [] : [variable]))
    const network = createViT(model, createRng(0))
    copyWeights(network, made)
    const images = tensor4d(
      Array.from({ length: 2 * 8 * 8 * 2 }, (_, i) => Math.sin(i)),
      [2, 8, 8, 2],
    ) as Tensor4D
    const [ours, theirs] = [await forward(network, images).logits.data(), await stock(images).data()]
    expect(theirs).toHaveLength(10)
    for (const [i, value] of theirs.entries()) expect(value).toBeCloseTo(ours[i]!, 5)
  })

  it.each(WORKS)('runs %s step by step and keeps no tensors', async (what) => {
    const work = stockWork({ what, model, batch: 2 })
    let steps = 0
    await work.run(2, () => steps++)
    const before = engine().memory().numTensors
    await work.run(2, () => steps++)
    expect(steps).toBe(4)
    expect(engine().memory().numTensors).toBe(before)
  })

  it('distils into a model that learns', async () => {
    expect(planDistillation(model).student.width).toBeLessThan(model.width)
    const before = new Set(Object.values(engine().state.registeredVariables))
    const work = stockWork({ what: 'distill', model, batch: 2 })
    const made = Object.values(engine().state.registeredVariables).filter((variable) => !before.has(variable))
    const values = await Promise.all(made.map((variable) => variable.data()))
    await work.run(1, () => {})
    const changed = await Promise.all(made.map(async (variable, i) => (await variable.data()).some((value, k) => value !== values[i]![k])))
    // The teacher's variables come first: embedding 4, blocks 12 each, norm and head 4. Key biases may rest at a zero gradient.
    const teacher = 8 + 12 * model.depth
    expect(changed.slice(0, teacher)).toEqual(Array(teacher).fill(false))
    expect(changed.slice(teacher).filter(Boolean).length).toBeGreaterThan(0.9 * (made.length - teacher))
  })
})

/** Gives the network the stock variables' values, in the order in which stock makes them; stock's matrices are [in, out]. */
function copyWeights(network: Network, stock: readonly Variable[]): void {
  const parameters = parametersOf(network)
  const next = stock.values()
  const give = (name: string, change: (value: Tensor) => Tensor = (value) => value) => {
    const parameter = parameters[name]!
    parameter.assign(reshape(change(next.next().value!), parameter.shape))
  }
  const affine = (name: string) => {
    give(`${name}.weight`, (value) => transpose(value as Tensor2D))
    give(`${name}.bias`)
  }
  const norm = (name: string) => {
    give(`${name}.weight`)
    give(`${name}.bias`)
  }
  const { patchSize, channels, width, depth } = model
  give('patch_embed.proj.weight', (value) => transpose(reshape(value, [patchSize, patchSize, channels, width]), [3, 2, 0, 1])) // OIHW
  give('patch_embed.proj.bias')
  give('cls_token')
  give('pos_embed')
  for (let i = 0; i < depth; i++) {
    norm(`blocks.${i}.norm1`)
    affine(`blocks.${i}.attn.qkv`)
    affine(`blocks.${i}.attn.proj`)
    norm(`blocks.${i}.norm2`)
    affine(`blocks.${i}.mlp.fc1`)
    affine(`blocks.${i}.mlp.fc2`)
  }
  norm('norm')
  affine('head')
}
