import '@tensorflow/tfjs-backend-cpu'
import {
  add,
  concat,
  div,
  matMul,
  mean,
  memory,
  slice,
  squeeze,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor3d,
  tidy,
  unstack,
} from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { type AttentionPoolConfig, createAttentionPool, createHead, type HeadOptions } from './head.js'
import { countParameters, disposeParameters, withoutWeights } from './parameters.js'
import { relativeError } from './reference/check-reference.js'
import { peakOf } from './testing/live-floats.js'
import { createRng } from './testing/rng.js'

describe('head', () => {
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
})

describe('pooling', () => {
  const width = 4

  const draw = (shape: [number, number, number], seed = 1): Tensor3D =>
    tensor3d(Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, createRng(seed).normal), shape)

  const patchesOf = (x: Tensor3D, prefix: number) => slice(x, [0, prefix, 0], [-1, -1, -1])

  it.each<[string, HeadOptions, (x: Tensor3D, normalise: (x: Tensor3D) => Tensor3D) => Tensor]>([
    ['the average of the patches', { pooling: 'average', prefixTokens: 3 }, (x, norm) => mean(patchesOf(norm(x), 3), 1)],
    ['the average of all tokens where none are before the patches', { pooling: 'average', prefixTokens: 0 }, (x, norm) => mean(norm(x), 1)],
    [
      'the class token beside the average',
      { pooling: 'tokenAverage', prefixTokens: 2 },
      (x, norm) => concat([squeeze(slice(norm(x), [0, 0, 0], [-1, 1, -1]), [1]), mean(patchesOf(norm(x), 2), 1)], 1),
    ],
  ])('pools %s', (_, options, expected) => {
    const before = memory().numTensors
    const head = createHead(width, 3, createRng(0), 1e-6, options)
    tidy(() => {
      const x = draw([2, 6, width])
      const pooled = expected(x, head.normalise)
      expect(relativeError(head.pool(x).dataSync(), pooled.dataSync())).toBeLessThan(1e-6)
      expect(head.pool(x).shape).toEqual([2, 1, head.pooledWidth])
      expect(head.forward(x).shape).toEqual([2, 3])
    })
    disposeParameters(head.parameters)
    expect(memory().numTensors).toBe(before)
  })

  it('normalises after averaging where it is asked to', () => {
    const after = createHead(width, 3, createRng(0), 1e-6, { pooling: 'average', prefixTokens: 1, normAfterPooling: true })
    expect(Object.keys(after.parameters)).toEqual(['fc_norm.weight', 'fc_norm.bias', 'head.weight', 'head.bias'])
    tidy(() => {
      const x = draw([2, 5, width])
      const average = mean(patchesOf(x, 1), 1) as Tensor2D
      const [a, b, c, d] = [0, 1, 2, 3].map((i) => average.arraySync()[0]![i]!) as [number, number, number, number]
      const centre = (a + b + c + d) / 4
      const deviation = Math.sqrt(([a, b, c, d].reduce((sum, value) => sum + (value - centre) ** 2, 0) + 4e-6) / 4)
      const expected = [a, b, c, d].map((value) => (value - centre) / deviation)
      expect(relativeError(after.pool(x).dataSync().subarray(0, 4), expected)).toBeLessThan(1e-5)
      expect(after.normalise(x).dataSync()).toEqual(x.dataSync())
    })
    disposeParameters(after.parameters)
  })

  it('gives features alone without classes', () => {
    const before = memory().numTensors
    const head = createHead(width, 0, createRng(0))
    expect(Object.keys(head.parameters)).toEqual(['norm.weight', 'norm.bias'])
    tidy(() => {
      const x = draw([2, 5, width])
      expect([head.forward(x).shape, head.forward(x).dtype]).toEqual([[2, 0], 'float32'])
      expect(head.pool(x).shape).toEqual([2, 1, width])
    })
    disposeParameters(head.parameters)
    expect(memory().numTensors).toBe(before)
  })

  it('counts what runs: norms, products, and the floats that are alive at once', () => {
    const [n, d, c] = [50, 192, 10] as const
    const trunk = n * d
    const planned = (options: HeadOptions) => withoutWeights(() => createHead(d, c, createRng(0), 1e-6, options))
    for (const prefix of [0, 5]) {
      const patches = (n - prefix) * d
      const cut = prefix > 0 ? ([['patches', patches, ['x']]] as const) : []
      const from = prefix > 0 ? 'patches' : 'x'
      const average = planned({ pooling: 'average', prefixTokens: prefix })
      expect([average.macs(n), countParameters(average.parameters)]).toEqual([5 * n * d + c * d, 2 * d + c * d + c])
      const before = [...cut, ['normalised', patches, [from]], ['mean', d, ['normalised']], ['logits', c, ['mean']]] as const
      expect(average.liveFloats(n)).toBe(peakOf({ x: trunk }, before, ['x', 'logits']))
      const last = planned({ pooling: 'average', prefixTokens: prefix, normAfterPooling: true })
      expect(last.macs(n)).toBe(5 * d + c * d)
      const after = [...cut, ['mean', d, [from]], ['normalised', d, ['mean']], ['logits', c, ['normalised']]] as const
      expect(last.liveFloats(n)).toBe(peakOf({ x: trunk }, after, ['x', 'logits']))
      if (prefix === 0) continue
      const both = planned({ pooling: 'tokenAverage', prefixTokens: prefix })
      expect([both.macs(n), countParameters(both.parameters)]).toEqual([5 * n * d + 2 * c * d, 2 * d + 2 * c * d + c])
      const steps = [
        ['token', d, ['x']],
        ['normalised token', d, ['token']],
        ...cut,
        ['normalised', patches, ['patches']],
        ['mean', d, ['normalised']],
        ['joined', 2 * d, ['normalised token', 'mean']],
        ['logits', c, ['joined']],
      ] as const
      expect(both.liveFloats(n)).toBe(peakOf({ x: trunk }, steps, ['x', 'logits']))
    }
  })

  it('counts attention pooling product by product', () => {
    const [n, d, heads, hidden] = [49, 96, 3, 300] as const
    const config: AttentionPoolConfig = { heads, mlpRatio: hidden / d }
    const pool = withoutWeights(() => createAttentionPool(d, config, createRng(0), 1e-6))
    const products = [
      [n, d, 2 * d],
      [1, d, d],
      ...Array.from({ length: heads }, () => [1, d / heads, n]),
      ...Array.from({ length: heads }, () => [1, n, d / heads]),
      [1, d, d],
      [1, d, hidden],
      [1, hidden, d],
    ]
    expect(pool.macs(n)).toBe(products.reduce((sum, [a, b, c]) => sum + a! * b! * c!, 5 * d))
    expect(countParameters(pool.parameters)).toBe(d + 4 * d * d + 4 * d + 2 * d + 2 * d * hidden + hidden + d)
    const steps = [
      ['keys and values', 2 * n * d, ['x']],
      ['query', d, []],
      ['probabilities', heads * n, ['keys and values', 'query']],
      ['mixed', d, ['probabilities', 'keys and values']],
      ['attended', d, ['mixed']],
      ['norm', d, ['attended']],
      ['fc1', hidden, ['norm']],
      ['activated', hidden, ['fc1']],
      ['output', d, ['activated', 'attended']],
    ] as const
    expect(pool.liveFloats(n)).toBe(peakOf({ x: n * d }, steps, ['output']))
  })

  it.each<[HeadOptions, number, string]>([
    [{ pooling: 'max' as 'token' }, 3, `config: 'pooling' must be 'token' or 'average' or 'tokenAverage' or 'attention'; got "max"`],
    [{ pooling: 'attention' }, 3, "head: the pooling 'attention' and its attentionPool { heads } go together"],
    [{ attentionPool: { heads: 2 } }, 3, "head: the pooling 'attention' and its attentionPool { heads } go together"],
    [{ pooling: 'attention', attentionPool: { heads: 3 } }, 3, 'attention pool: heads must divide the width; got width 4 and 3 heads'],
    [{ prefixTokens: 0 }, 3, "head: the pooling 'token' needs a class token"],
    [{ normAfterPooling: true }, 3, "head: a layer norm after pooling goes with the pooling 'average'; got 'token'"],
    [{ distillationHead: true, pooling: 'average' }, 3, "head: a distillation head reads tokens; the pooling is 'average'"],
    [{ distillationHead: true }, 0, 'head: a distillation head needs classes'],
  ])('refuses %j with %d classes', (options, classes, message) => {
    expect(() => createHead(width, classes, createRng(0), 1e-6, options)).toThrow(message)
  })
})
