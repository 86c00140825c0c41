import '@tensorflow/tfjs-backend-cpu'
import { memory, type Tensor, tensor3d, tidy, zeros } from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { countParameters, disposeParameters, withoutWeights } from './parameters.js'
import { relativeError } from './reference/check-reference.js'
import { peakOf } from './testing/live-floats.js'
import { createRng } from './testing/rng.js'
import { createTransformerBlock, type TransformerBlockConfig } from './transformer-block.js'

const planned = (config: TransformerBlockConfig) => withoutWeights(() => createTransformerBlock(config, createRng(0)))

/** Heads, widths that they divide, hidden widths that need no rounding, tokens. */
const sizes = fc
  .record({ heads: fc.integer({ min: 1, max: 12 }), headWidth: fc.integer({ min: 1, max: 64 }), ratio: fc.integer({ min: 1, max: 6 }) })
  .map(({ heads, headWidth, ratio }) => ({ heads, width: heads * headWidth, mlpRatio: ratio }))
const tokens = fc.integer({ min: 1, max: 300 })

it('counts 12 n D^2 + 2 n^2 D + 10 n D MACs and 12 D^2 + 13 D parameters', () => {
  fc.assert(
    fc.property(sizes, tokens, ({ heads, width }, n) => {
      const block = planned({ width, heads })
      expect(block.macs(n)).toBe(12 * n * width ** 2 + 2 * n ** 2 * width + 10 * n * width)
      expect(countParameters(block.parameters)).toBe(12 * width ** 2 + 13 * width)
    }),
    { seed: 1, numRuns: 50 },
  )
})

it('counts products and norms one by one for any MLP ratio', () => {
  fc.assert(
    fc.property(sizes, tokens, (config, n) => {
      const { width: d, heads, mlpRatio } = config
      const products = [
        [n, d, 3 * d],
        ...Array.from({ length: heads }, () => [n, d / heads, n]),
        ...Array.from({ length: heads }, () => [n, n, d / heads]),
        [n, d, d],
        [n, d, mlpRatio * d],
        [n, mlpRatio * d, d],
      ]
      const norms = 2 * 5 * n * d
      expect(planned(config).macs(n)).toBe(products.reduce((sum, [a, b, c]) => sum + a! * b! * c!, norms))
    }),
    { seed: 1, numRuns: 50 },
  )
})

it('counts the floats that are alive at once as walking through its operations does', () => {
  fc.assert(
    fc.property(sizes, tokens, (config, n) => {
      const { width, heads, mlpRatio } = config
      const d = n * width
      const hidden = d * mlpRatio
      const peak = peakOf(
        { x: d },
        [
          ['norm1', d, ['x']],
          ['qkv', 3 * d, ['norm1']],
          ['probabilities', heads * n * n, ['qkv']],
          ['mixed', d, ['qkv', 'probabilities']],
          ['attended', d, ['mixed']],
          ['middle', d, ['x', 'attended']],
          ['norm2', d, ['middle']],
          ['fc1', hidden, ['norm2']],
          ['activated', hidden, ['fc1']],
          ['changed', d, ['activated']],
          ['output', d, ['middle', 'changed']],
        ],
        ['x', 'output'],
      )
      expect(planned(config).liveFloats(n)).toBe(peak)
    }),
    { seed: 1, numRuns: 100 },
  )
})

it('counts by hand: 2 heads of width 2, 3 tokens', () => {
  // x 12, qkv 36, probabilities 2 x 3 x 3 = 18, mixed 12: 78. x 12, middle 12, twice the hidden 3 x 16 = 48: 120.
  expect(planned({ width: 4, heads: 2 }).liveFloats(3)).toBe(120)
  // With a hidden width of 4, x 12, middle 12, twice 12 are 48, so attention sets the peak.
  expect(planned({ width: 4, heads: 2, mlpRatio: 1 }).liveFloats(3)).toBe(78)
})

it('draws weights by its seed, sets biases to zero and norms to one', () => {
  const build = (seed: number) => {
    const { parameters } = createTransformerBlock({ width: 6, heads: 2 }, createRng(seed))
    const values = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, [...value.dataSync()]]))
    disposeParameters(parameters)
    return values
  }
  const values = build(3)
  expect(values).toEqual(build(3))
  for (const [name, list] of Object.entries(values)) {
    if (name.endsWith('.bias')) expect(new Set(list)).toEqual(new Set([0]))
    else if (name.startsWith('norm')) expect(new Set(list)).toEqual(new Set([1]))
    else expect(list).not.toEqual(build(4)[name])
  }
})

it('is the identity plus what it records when the MLP gives nothing', () => {
  const before = memory().numTensors
  const block = createTransformerBlock({ width: 6, heads: 2 }, createRng(5))
  tidy(() => {
    block.parameters['mlp.fc2.weight']!.assign(zeros([6, 24]))
    const rng = createRng(6)
    const x = tensor3d(Float32Array.from({ length: 2 * 3 * 6 }, rng.normal), [2, 3, 6])
    const recorded: { [name: string]: Tensor } = {}
    const y = block.forward(x, { record: (name, value) => Object.assign(recorded, { [name]: value }) })
    expect(Object.keys(recorded)).toEqual(['attn'])
    const attended = recorded.attn!.dataSync()
    expect(
      relativeError(
        y.dataSync(),
        x.dataSync().map((value, i) => value + attended[i]!),
      ),
    ).toBeLessThan(1e-6)
  })
  disposeParameters(block.parameters)
  expect(memory().numTensors).toBe(before)
})

it.each<[object, string]>([
  [{ width: 6, heads: 4 }, 'transformer block: heads must divide the width; got width 6 and 4 heads'],
  [{ heads: 2 }, "config: 'width' must be a positive number; got nothing"],
  [{ width: 6, heads: 1.5 }, "config: 'heads' must be a positive integer; got 1.5"],
  [{ width: 6, heads: 2, mlpRatio: 0.01 }, "config: 'hidden' must be a positive number; got 0"],
  [{ width: 6, heads: 2, epsilon: 0 }, "config: 'epsilon' must be a positive number; got 0"],
])('refuses %j and allocates nothing', (config, message) => {
  const before = memory().numTensors
  expect(() => createTransformerBlock(config as TransformerBlockConfig, createRng(0))).toThrow(message)
  expect(memory().numTensors).toBe(before)
})

it('takes heads of any width: A = H Dh inside, D outside', () => {
  const block = planned({ width: 10, heads: 3, headWidth: 4 })
  const shapes = Object.fromEntries(Object.entries(block.parameters).map(([name, { shape }]) => [name, shape]))
  expect(shapes).toMatchObject({ 'attn.qkv.weight': [36, 10], 'attn.qkv.bias': [36], 'attn.proj.weight': [10, 12] })
  const products = 7 * 10 * 36 + 2 * 3 * 7 * 4 * 7 + 7 * 12 * 10 + 2 * 7 * 10 * 40
  expect(block.macs(7)).toBe(products + 2 * 5 * 7 * 10)
  expect(block.config).toEqual({ width: 10, heads: 3, headWidth: 4, mlpRatio: 4, epsilon: 1e-6 })
  expect(planned({ width: 12, heads: 3, headWidth: 4 }).config).toEqual({ width: 12, heads: 3, mlpRatio: 4, epsilon: 1e-6 })
  const real = createTransformerBlock({ width: 10, heads: 3, headWidth: 4, activation: 'geluTanh' }, createRng(0))
  tidy(() => {
    expect(real.forward(tensor3d(new Float32Array(40).fill(0.1), [1, 4, 10]), {}).shape).toEqual([1, 4, 10])
  })
  disposeParameters(real.parameters)
})

it('refuses activations that it does not know', () => {
  expect(() => planned({ width: 4, heads: 1, activation: 'relu' as 'gelu' })).toThrow(
    `config: 'activation' must be 'gelu' or 'geluTanh' or 'quickGelu'; got "relu"`,
  )
})
