import '@tensorflow/tfjs-backend-cpu'
import { uniformTensors } from '@learngene/testing'
import { dispose, setBackend, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  attentionTransfer,
  cosineDistance,
  featureMse,
  klDivergence,
  relationMse,
  similarityPreserving,
  standardiseLogits,
  tokenWise,
  transformedMse,
  variationalInformation,
} from './index.js'

beforeAll(() => setBackend('cpu'))

/** Every shape that differs in one thing from what a loss takes: the rule that it breaks. */
type Shapes = readonly number[][]
const random = uniformTensors(0)
const of = (shapes: Shapes) => shapes.map((shape) => random<Tensor>(shape))
const withMap = (student: number[], teacher: number[], weight: number[], bias: number[]) => {
  const [s, t, w, b] = of([student, teacher, weight, bias])
  return transformedMse(s!, t!, { weight: w as Tensor2D, bias: b as Tensor1D })
}
const withMask = (mask: number[]) => {
  const [s, t, m] = of([[2, 3, 4], [2, 3, 4], mask]) // biome-ignore format: one call
  return tokenWise(cosineDistance, { mask: m as Tensor2D })(s!, t!)
}
const two = (loss: (student: Tensor, teacher: Tensor) => Tensor, student: number[], teacher: number[]) => {
  const [s, t] = of([student, teacher])
  return loss(s!, t!)
}
const variance = (shape: number[]) => {
  const [p, t, v] = of([[2, 3, 4], [2, 3, 4], shape]) // biome-ignore format: one call
  return variationalInformation(p!, t!, { rawVariance: v as Tensor1D })
}

const SAME = 'must have one shape [B, N, D] or [B, D]'
const TOKENS = 'must agree in B and N'
const BATCHES = 'must agree in B, of at least 2 examples'

describe('shapes that a loss refuses', () => {
  it.each<readonly [name: string, call: () => unknown, rule: string]>([
    ['features of different ranks', () => two(featureMse, [2, 3], [2, 3, 1]), SAME],
    ['features of which one has a token more', () => two(featureMse, [2, 3, 4], [2, 4, 4]), SAME],
    ['logits of different ranks', () => two((s, t) => klDivergence(s, t), [2, 3], [2, 3, 1]), 'must both be [B, C]'],
    ['a student without tokens', () => two(relationMse, [2, 3], [2, 3, 4]), TOKENS],
    ['a teacher without tokens', () => two(relationMse, [2, 3, 4], [2, 3]), TOKENS],
    ['other images than the teacher', () => two(attentionTransfer, [1, 3, 4], [2, 3, 4]), TOKENS],
    ['a student that is no batch of vectors', () => two(similarityPreserving, [2], [2, 3]), BATCHES],
    ['a teacher that is no batch of vectors', () => two(similarityPreserving, [2, 3], [2]), BATCHES],
    ['one example', () => two(similarityPreserving, [1, 3], [1, 3]), BATCHES],
    ['a batch of another size', () => two(similarityPreserving, [3, 3], [2, 3]), BATCHES],
    ['transformed scalars', () => withMap([2], [2], [2, 2], [2]), TOKENS],
    ['a token and tokens', () => withMap([2, 3], [2, 3, 5], [5, 3], [5]), TOKENS],
    ['a weight that is no matrix', () => withMap([2, 4, 3], [2, 4, 5], [5, 3, 1], [5]), 'needs weight [5, 3]'],
    ['a weight of other outputs', () => withMap([2, 4, 3], [2, 4, 5], [4, 3], [5]), 'needs weight [5, 3]'],
    ['a weight of other inputs', () => withMap([2, 4, 3], [2, 4, 5], [5, 4], [5]), 'needs weight [5, 3]'],
    ['a bias that is no vector', () => withMap([2, 4, 3], [2, 4, 5], [5, 3], [5, 1]), 'bias [5]'],
    ['a variance that is no vector', () => variance([4, 1]), 'rawVariance must be [D]'],
    ['a variance of another width', () => variance([3]), 'rawVariance must be [D]'],
    ['a mask that is no matrix', () => withMask([2, 3, 1]), 'the mask must be [B, N]'],
    ['a mask of other images', () => withMask([3, 3]), 'the mask must be [B, N]'],
    ['a mask of other tokens', () => withMask([2, 4]), 'the mask must be [B, N]'],
    ['logits that are no matrix', () => standardiseLogits(of([[2, 3, 4]])[0]!), 'logits must be [B, C]'],
    ['one class', () => standardiseLogits(of([[2, 1]])[0]!), 'logits must be [B, C]'],
  ])('%s', (_, call, rule) => {
    expect(call).toThrow(rule)
  })

  it('takes the least that is allowed: two examples, two classes, one token', () => {
    const least = [
      two(similarityPreserving, [2, 3], [2, 4]),
      standardiseLogits(of([[2, 2]])[0]!),
      withMap([2, 3], [2, 5], [5, 3], [5]),
      two(featureMse, [2, 3], [2, 3]),
    ]
    expect(least.map(({ shape }) => shape)).toEqual([[2], [2, 2], [2], [2]])
    dispose(least)
  })
})
