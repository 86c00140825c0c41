import '@tensorflow/tfjs-backend-cpu'
import { add, div, matMul, memory, type Tensor, type Tensor2D, tensor3d, tidy, unstack } from '@tensorflow/tfjs-core'
import { expect, it } from 'vitest'
import { createHead } from './head.js'
import { countParameters, disposeParameters } from './parameters.js'
import { relativeError } from './reference/relative-error.js'
import { peakOf } from './testing/live-floats.js'
import { createRng } from './testing/rng.js'
import { withoutWeights } from './without-weights.js'

it('classifies by the normalised class token alone', () => {
  const before = memory().numTensors
  const head = createHead(2, 3, createRng(0))
  const { 'head.weight': weight, 'head.bias': bias } = head.parameters
  tidy(() => {
    const x = tensor3d([3, 5, 9, 9, 0, -4, 9, 9], [2, 2, 2])
    // A row of two values normalises to -1 and 1, or 1 and -1, but for epsilon.
    const w = weight!.dataSync()
    const rows = [
      [-1, 1],
      [1, -1],
    ]
    const expected = rows.flatMap(([a, b]) => [0, 1, 2].map((c) => w[2 * c]! * a! + w[2 * c + 1]! * b! + bias!.dataSync()[c]!))
    for (const [i, value] of head.forward(x).dataSync().entries()) expect(value).toBeCloseTo(expected[i]!, 6)
    for (const [i, value] of head.normalise(x).dataSync().entries()) expect(value).toBeCloseTo([-1, 1, 0, 0, 1, -1, 0, 0][i]!, 5)
  })
  disposeParameters(head.parameters)
  expect(memory().numTensors).toBe(before)
})

it('averages the logits of class and distillation token, each classified by its own map', () => {
  const before = memory().numTensors
  const head = createHead(4, 3, createRng(0), 1e-6, { distillationHead: true })
  tidy(() => {
    const x = tensor3d(Float32Array.from({ length: 24 }, createRng(1).normal), [2, 3, 4])
    const [first, second] = unstack(head.normalise(x), 1) as [Tensor2D, Tensor2D]
    const logits = (token: Tensor2D, map: string) =>
      add(matMul(token, head.parameters[`${map}.weight`] as Tensor2D, false, true), head.parameters[`${map}.bias`] as Tensor)
    const expected = div(add(logits(first, 'head'), logits(second, 'head_dist')), 2)
    expect(relativeError(head.forward(x).dataSync(), expected.dataSync())).toBeLessThan(1e-6)
  })
  disposeParameters(head.parameters)
  expect(memory().numTensors).toBe(before)
})

it('costs 5 N D + 2 C D with a distillation head, and holds both logits and their mean', () => {
  for (const [width, classes, tokens] of [
    [192, 1000, 198],
    [768, 10, 51],
  ] as const) {
    const head = withoutWeights(() => createHead(width, classes, createRng(0), 1e-6, { distillationHead: true }))
    expect(head.macs(tokens)).toBe(5 * tokens * width + 2 * classes * width)
    expect(countParameters(head.parameters)).toBe(2 * width + 2 * (classes * width + classes))
    const steps = [
      ['class token', width, ['x']],
      ['normalised class token', width, ['class token']],
      ['logits', classes, ['normalised class token']],
      ['distillation token', width, ['x']],
      ['normalised distillation token', width, ['distillation token']],
      ['distillation logits', classes, ['normalised distillation token']],
      ['sum', classes, ['logits', 'distillation logits']],
      ['mean', classes, ['sum']],
    ] as const
    expect(head.liveFloats(tokens)).toBe(peakOf({ x: tokens * width }, steps, ['x', 'mean']))
  }
})

it('costs 5 N D + C D, and holds the trunk, one token and the logits', () => {
  for (const [width, classes, tokens] of [
    [192, 1000, 197],
    [768, 10, 50],
  ] as const) {
    const head = withoutWeights(() => createHead(width, classes, createRng(0)))
    expect(head.macs(tokens)).toBe(5 * tokens * width + classes * width)
    expect(head.normaliseMacs(tokens)).toBe(5 * tokens * width)
    expect(countParameters(head.parameters)).toBe(2 * width + classes * width + classes)
    const steps = [
      ['token', width, ['x']],
      ['normalised', width, ['token']],
      ['logits', classes, ['normalised']],
    ] as const
    expect(head.liveFloats(tokens)).toBe(peakOf({ x: tokens * width }, steps, ['x', 'logits']))
  }
})

it.each<[number, number, number | undefined, string]>([
  [0, 3, undefined, "config: 'width' must be a positive number; got 0"],
  [4, 2.5, undefined, "config: 'classes' must be a positive integer; got 2.5"],
  [4, 3, -1, "config: 'epsilon' must be a positive number; got -1"],
])('refuses width %s, classes %s, epsilon %s', (width, classes, epsilon, message) => {
  expect(() => createHead(width, classes, createRng(0), epsilon)).toThrow(message)
})
