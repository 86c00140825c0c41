import type { Parameters } from '@learngene/interfaces/tensors'
import { describeEachBackend, valuesOf } from '@learngene/testing'
import { memory, tensor, type Variable, variable } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { type AdamWOptions, adamW } from './adamw.js'
import { disposeState, takeStep } from './optimizer.js'
import { createRng } from './rng.js'

const shapes: { readonly [name: string]: number[] } = { weight: [3, 2], bias: [2], 'head.weight': [2, 2] }
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

/** AdamW in float64, straight from the formula, for one parameter. */
function reference(start: number[], gradients: number[][], rates: number[], decay: number): number[] {
  const [m, v] = [start.map(() => 0), start.map(() => 0)]
  const values = [...start]
  gradients.forEach((gradient, t) => {
    for (let i = 0; i < values.length; i++) {
      m[i] = 0.9 * m[i]! + 0.1 * gradient[i]!
      v[i] = 0.999 * v[i]! + 0.001 * gradient[i]! ** 2
      const [mHat, vHat] = [m[i]! / (1 - 0.9 ** (t + 1)), v[i]! / (1 - 0.999 ** (t + 1))]
      values[i]! -= rates[t]! * decay * values[i]!
      values[i]! -= (rates[t]! * mHat) / (Math.sqrt(vHat) + 1e-8)
    }
  })
  return values
}

/** Runs 20 steps with random gradients; gives each parameter's values and those of the reference with the given decay and rate factor. */
async function run(options: AdamWOptions, expectedOf: (name: string) => { decay: number; scale: number }) {
  const rng = createRng(7)
  const normals = (name: string) => Array.from({ length: sizeOf(shapes[name]!) }, rng.normal)
  const starts = Object.fromEntries(Object.keys(shapes).map((name) => [name, normals(name)]))
  const gradients = Array.from({ length: 20 }, () => Object.fromEntries(Object.keys(shapes).map((name) => [name, normals(name)])))
  const rates = gradients.map((_, step) => 0.05 / (1 + step))

  const parameters: { [name: string]: Variable } = {}
  for (const [name, shape] of Object.entries(shapes)) parameters[name] = variable(tensor(starts[name]!, shape))
  const optimizer = adamW(options)
  const state = optimizer.init(parameters)
  const before = memory().numTensors
  gradients.forEach((values, step) => {
    const tensors = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tensor(value, shapes[name]!)]))
    takeStep(optimizer, parameters, tensors, state, rates[step]!)
    for (const value of Object.values(tensors)) value.dispose()
  })
  expect(memory().numTensors).toBe(before)
  for (const name of Object.keys(shapes)) {
    const { decay, scale } = expectedOf(name)
    const expected = reference(
      starts[name]!,
      gradients.map((values) => values[name]!),
      rates.map((rate) => rate * scale),
      decay,
    )
    for (const [i, value] of (await valuesOf(parameters[name]!)).entries()) expect(value).toBeCloseTo(expected[i]!, 5)
  }
  disposeState(state)
  disposeState({ all: { steps: 0, tensors: parameters } })
}

describeEachBackend(() => {
  test('20 steps equal a float64 loop; parameters of one dimension do not decay', async () => {
    await run({ weightDecay: 0.3 }, (name) => ({ decay: name === 'bias' ? 0 : 0.3, scale: 1 }))
  })

  test('class token, distillation token and position embedding do not decay, under whatever prefix', async () => {
    const names = ['student.cls_token', 'ti9.pos_embed', 'dist_token', 'blocks.0.attn.qkv.weight', 'my_cls_token', 'pos_embed.weight']
    const parameters = Object.fromEntries(names.map((name) => [name, variable(tensor([[1, 1]]))]))
    const optimizer = adamW({ weightDecay: 0.5 })
    const state = optimizer.init(parameters)
    const gradients = Object.fromEntries(names.map((name) => [name, tensor([[0, 0]])]))
    takeStep(optimizer, parameters, gradients, state, 0.1)
    const after = await Promise.all(names.map(async (name) => (await valuesOf(parameters[name]!))[0]))
    for (const [i, value] of [1, 1, 1, 0.95, 0.95, 0.95].entries()) expect(after[i], names[i]).toBeCloseTo(value, 6)
  })

  test('decays chooses what decays, learningRateScale multiplies the rate', async () => {
    const decays = (name: string) => name !== 'weight'
    const learningRateScale = (name: string) => (name.startsWith('head.') ? 10 : 1)
    await run({ weightDecay: 0.3, decays, learningRateScale }, (name) => ({
      decay: decays(name) ? 0.3 : 0,
      scale: learningRateScale(name),
    }))
  })

  test('a parameter without a gradient keeps its values and its count of steps', async () => {
    const parameters: Parameters = { a: variable(tensor([1, 2])), b: variable(tensor([3])) }
    const optimizer = adamW()
    const state = optimizer.init(parameters)
    takeStep(optimizer, parameters, { a: tensor([1, -1]) }, state, 0.1)
    expect(await valuesOf(parameters.b!)).toEqual([3])
    expect([state.a!.steps, state.b!.steps]).toEqual([1, 0])
    expect((await valuesOf(parameters.a!))[0]).toBeCloseTo(0.9, 5)
  })

  test('a gradient of an unknown parameter is refused', () => {
    const parameters = { a: variable(tensor([1])) }
    const optimizer = adamW()
    const state = optimizer.init(parameters)
    expect(() => takeStep(optimizer, parameters, { b: tensor([1]) }, state, 0.1)).toThrow(
      "adamW: a gradient must belong to a parameter that init was given; 'b' does not",
    )
  })
})

test.each<[object, string]>([
  [{ learningRateScale: 0.1 }, 'adamW: learningRateScale must be a function; got 0.1'],
  [{ decays: 'weight' }, "adamW: decays must be a function; got 'weight'"],
  [
    { weight_decay: 0.1 },
    "adamW: there is no option 'weight_decay'; the options are beta1, beta2, epsilon, weightDecay, decays, learningRateScale",
  ],
  [{ weightDecay: '0.1' }, "adamW: weightDecay must be a number of at least 0; got '0.1'"],
  [{ beta2: 1 }, 'adamW: beta2 must be a number from 0 to below 1; got 1'],
])('%j is refused', (options, message) => {
  expect(() => adamW(options)).toThrow(message)
})
