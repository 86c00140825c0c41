import { cosineDistance } from '@learngene/distill-losses'
import { startBackend, valuesOf } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, type Network, parameter } from '@learngene/vit-blocks'
import { memory, mul, type Scalar, sum, type Tensor, type Variable } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDistillation, type DistillationOptions, distill } from './distill.js'
import type { DistillationTerm } from './terms.js'
import { tinyAncestor, tinyImages } from './testing/tiny.js'

const spec = { width: 8, depth: 3, heads: 2 }
const plan = { epochs: 1, batchSize: 4, learningRate: 1e-2 }
const source = tinyImages(8)

let ancestor: Network
beforeAll(async () => {
  await startBackend('wasm')
  ancestor = tinyAncestor()
})
afterAll(() => disposeNetwork(ancestor))

/** A term that trains one number, which scales its loss. */
const scaled = (name: string, parameters: { readonly [name: string]: Variable }): DistillationTerm => ({
  name,
  weight: 1,
  studentFeatures: [],
  ancestorFeatures: [],
  parameters,
  loss: (student, ancestor) => mul(cosineDistance(student.logits, ancestor.logits), sum(Object.values(parameters)[0]!)),
})

describe('parameters of extra terms', () => {
  it('of one name are refused, be it that of a standard term, and leave no tensors', async () => {
    const [a, b] = [parameter(new Float32Array([1]), [1]), parameter(new Float32Array([1]), [1])]
    const before = memory().numTensors
    const twice = { extraTerms: () => [scaled('first', { scale: a }), scaled('second', { scale: b })] }
    await expect(distill(ancestor, spec, source, { ...plan, ...twice }, createRng(0))).rejects.toThrow(
      "extraTerms: parameters of different terms must have different names; a second 'scale' comes with the term 'second'",
    )
    const standard = { extraTerms: () => [scaled('mine', { 'block.0.student.weight': a })] }
    expect(() => createDistillation(ancestor, spec, standard, createRng(0))).toThrow(
      "a second 'block.0.student.weight' comes with the term 'mine'",
    )
    expect(memory().numTensors).toBe(before)
    a.dispose()
    b.dispose()
  })

  it('are all trained where their names differ, and shared where two terms give the same one', async () => {
    const [a, b] = [parameter(new Float32Array([1]), [1]), parameter(new Float32Array([1]), [1])]
    const extraTerms = () => [scaled('first', { a }), scaled('second', { b }), scaled('third', { a })]
    const { tier } = await distill(ancestor, spec, source, { ...plan, extraTerms }, createRng(0))
    for (const each of [a, b]) expect(await valuesOf(each)).not.toEqual([1])
    disposeNetwork(tier.network)
    a.dispose()
    b.dispose()
  })
})

describe('what createDistillation refuses leaves no tensors', () => {
  it.each<[string, object, string]>([
    ['a position outside', { supervision: [{ student: 3, ancestor: 0 }] }, 'supervision: the student has blocks 0 to 2; got 3'],
    [
      'a supervision of another name',
      { supervision: 'first' },
      "supervision must be 'every', 'dense', 'last' or a list of { student, ancestor }; got 'first'",
    ],
    ['sides as text', { sides: 'student' }, "sides must be a list of 'student' and 'teacher'; got 'student'"],
    ['a weight of another name', { weights: { logits: 0 } }, "weights: there is no option 'logits'; the options are logit, block, attn"],
    ['an option of another name', { temprature: 2 }, "createDistillation: there is no option 'temprature'; the options are"],
    [
      'extra terms that throw',
      {
        extraTerms: () => {
          throw new Error('no such feature')
        },
      },
      'no such feature',
    ],
    [
      'one term instead of a list',
      { extraTerms: () => scaled('x', {}) },
      'extraTerms: terms must be a list, each an object; got an object with name, weight',
    ],
    [
      'a loss instead of a term',
      { extraTerms: () => [cosineDistance] },
      'extraTerms: a term must be { name, weight, studentFeatures, ancestorFeatures, loss }; got name',
    ],
    [
      'half a term',
      { extraTerms: () => [{ name: 'x', loss: cosineDistance }] },
      "got name 'x', weight undefined, studentFeatures undefined",
    ],
  ])('%s', (_, options, message) => {
    const before = memory().numTensors
    expect(() => createDistillation(ancestor, spec, options as DistillationOptions, createRng(0))).toThrow(message)
    expect(memory().numTensors).toBe(before)
  })
})

it.each<[string, (loss: Tensor) => unknown, string]>([
  ['the mean', (loss) => sum(loss) as Scalar, 'got a tensor of shape []'],
  ['nothing', () => undefined, 'got undefined'],
  ['numbers', () => [1, 2, 3, 4], 'got an array of 4'],
])('a term that returns %s is refused by its name, and no tensor stays', async (_, change, came) => {
  const before = memory().numTensors
  const term = scaled('mine', {})
  const extraTerms = () => [{ ...term, loss: (s, a) => change(cosineDistance(s.logits, a.logits)) } as DistillationTerm]
  await expect(distill(ancestor, spec, source, { ...plan, extraTerms }, createRng(0))).rejects.toThrow(
    `term 'mine': its loss must be one value for each of the 4 examples; ${came}`,
  )
  expect(memory().numTensors).toBe(before)
})
