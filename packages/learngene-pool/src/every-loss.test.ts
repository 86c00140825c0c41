import * as facade from '@learngene/distill-losses'
import { linear } from '@learngene/ops'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { disposeNetwork, type ForwardResult, parameter } from '@learngene/vit-blocks'
import { dispose, memory, type Tensor, type Tensor1D, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { createAuxiliary } from './auxiliary.js'
import { cachedTeacher } from './cached-teacher.js'
import { distill } from './distill.js'
import { fineTune } from './fine-tune.js'
import { buildPool, disposePool } from './pool.js'
import { liveTeacher } from './teacher.js'
import { livelyAncestor, tinyImages } from './testing/tiny.js'

type Compared = (student: ForwardResult, ancestor: ForwardResult, targets: Tensor2D) => Tensor

/** What a term or a loss is given, for losses of logits. */
const ofLogits = (loss: (student: Tensor, teacher: Tensor) => Tensor): Compared => {
  return (student, ancestor) => loss(student.logits, ancestor.logits)
}
const ofTokens = (loss: (student: Tensor, teacher: Tensor) => Tensor): Compared => {
  return (student, ancestor) => loss(student.features['block.1']!, ancestor.features['block.3']!)
}
const ofPooled = (loss: (student: Tensor, teacher: Tensor) => Tensor): Compared => {
  return (student, ancestor) => loss(student.features.pooled!, ancestor.features.pooled!)
}

/** Widths of the auxiliary and of the ancestor. */
const [NARROW, WIDE] = [8, 16]

/** From the auxiliary's width to the ancestor's. */
function map(width: number) {
  const weight = Float32Array.from({ length: WIDE * width }, (_, i) => (Math.floor(i / width) % width === i % width ? 1 : 0.1))
  return {
    weight: parameter(weight, [WIDE, width]),
    bias: parameter(new Float32Array(WIDE), [WIDE]),
    rawVariance: parameter(new Float32Array(WIDE).fill(5), [WIDE]),
  }
}
type Map = ReturnType<typeof map>
const applied = (x: Tensor, { weight, bias }: Map) => linear(x as Tensor3D, weight as unknown as Tensor2D, bias as unknown as Tensor1D)

/** Every loss of the package by its name, of features of any width where it takes them; the others through a map that is trained along. */
function everyLoss(through: Map): { readonly [name: string]: Compared } {
  const { standardiseLogits, klDivergence } = facade
  return {
    softTarget: ofLogits(facade.softTarget),
    klDivergence: ofLogits(klDivergence),
    decoupledKd: (student, ancestor, targets) => facade.decoupledKd(student.logits, ancestor.logits, targets, { temperature: 2 }),
    dist: ofLogits(facade.dist),
    standardiseLogits: ofLogits((student, teacher) => klDivergence(standardiseLogits(student), standardiseLogits(teacher))),
    hardTarget: ofLogits(facade.hardTarget),
    labelTarget: (student, _, targets) => facade.labelTarget(student.logits, targets),
    featureMse: ofTokens((student, teacher) => facade.featureMse(applied(student, through), teacher)),
    transformedMse: ofTokens((student, teacher) => facade.transformedMse(student, teacher, through as never)),
    variationalInformation: ofTokens((student, teacher) => {
      return facade.variationalInformation(applied(student, through), teacher, { rawVariance: through.rawVariance as unknown as Tensor1D })
    }),
    cosineDistance: ofTokens((student, teacher) => facade.cosineDistance(applied(student, through), teacher)),
    attentionTransfer: ofTokens(facade.attentionTransfer),
    relationMse: ofTokens(facade.relationMse),
    linearCka: ofTokens(facade.linearCka),
    tokenWise: ofTokens(facade.tokenWise(facade.rkdDistance)),
    rkdDistance: ofPooled(facade.rkdDistance),
    rkdAngle: ofPooled(facade.rkdAngle),
    similarityPreserving: ofPooled(facade.similarityPreserving),
    pkt: ofPooled(facade.pkt),
  }
}

/** All images in each step, so that losses fall from one to the next. */
const plan = { epochs: 4, batchSize: 8, learningRate: 1e-3, labelWeight: 0 }
const features = { student: ['block.1', 'pooled'], ancestor: ['block.3', 'pooled'] }

beforeAll(() => startBackend('wasm'))

describe('every loss of distill-losses', () => {
  const source = tinyImages(8)
  const names = Object.keys(everyLoss(map(NARROW)))

  it('is here, but for that of attention maps, which blocks do not record', () => {
    expect([...names, 'attentionMapKl'].sort()).toEqual(Object.keys(facade).sort())
  })

  it.each(names)('%s is a term of distillation', async (name) => {
    const before = memory().numTensors
    const ancestor = livelyAncestor()
    const through = map(NARROW)
    const term = {
      ...{ name, weight: 1, studentFeatures: features.student, ancestorFeatures: features.ancestor, parameters: through },
      loss: everyLoss(through)[name]!,
    }
    const teacher = liveTeacher(ancestor)
    const weights = { logit: 0, block: 0, attn: 0 }
    const options = { ...plan, weights, teacher, start: 'random' as const, extraTerms: () => [term] }
    const spec = { width: NARROW, depth: 2, heads: 2 }
    const { tier, losses } = await distill(ancestor, spec, source, options, createRng(2))
    expect(losses).toHaveLength(4)
    expect([...losses].every(Number.isFinite)).toBe(true)
    expect(losses[3]).toBeLessThan(losses[0]!)
    teacher.dispose()
    dispose(Object.values(through))
    disposeNetwork(ancestor)
    disposePool({ tiers: [tier], stitches: new Map() })
    expect(memory().numTensors).toBe(before)
  })

  it('is a loss of fine-tuning, beside others, whatever the width of the descendant', async () => {
    const before = memory().numTensors
    const ancestor = livelyAncestor()
    const tiers = [NARROW, WIDE].map((width) => createAuxiliary(ancestor, { width, depth: 2, heads: 2 }, createRng(1)))
    const pool = buildPool(tiers, {}, createRng(2))
    const maps = new Map([NARROW, WIDE].map((width) => [width, map(width)]))
    const teacher = liveTeacher(ancestor)
    const told = new Set<string>()
    const losses = await fineTune(
      pool,
      source,
      {
        ...{ ...plan, teacher, features },
        loss: (student, { targets, ancestor }) => {
          const all = everyLoss(maps.get(student.features['block.1']!.shape[2])!)
          return Object.fromEntries(Object.entries(all).map(([name, loss]) => [name, loss(student, ancestor!, targets)]))
        },
        report: (event) => {
          for (const name of Object.keys((event.kind === 'progress' && event.metrics) || {})) told.add(name)
        },
      },
      createRng(3),
    )
    expect([...losses].every(Number.isFinite)).toBe(true)
    expect([...told]).toEqual(expect.arrayContaining(names))
    teacher.dispose()
    for (const each of maps.values()) dispose(Object.values(each))
    disposePool(pool)
    disposeNetwork(ancestor)
    expect(memory().numTensors).toBe(before)
  })

  it.each<[string, object, string]>([
    [
      'without a loss',
      { features: { student: ['norm'] } },
      "fineTune: features are for a loss of your own; give it as 'loss', or leave features out",
    ],
    [
      'of a teacher that is not there',
      { features: { ancestor: ['norm'] }, loss: () => ({}) },
      "fineTune: features.ancestor are the teacher's, and there is none; give a teacher, or leave them out",
    ],
    ['of nobody', { features: { teacher: ['norm'] }, loss: () => ({}) }, /features.*teacher.*student, ancestor/ as unknown as string],
    ['that are no list', { features: { student: 'norm' }, loss: () => ({}) }, /features\.student must be .*'norm'/ as unknown as string],
    ['that no network has', { features: { student: ['norms'] }, loss: () => ({}) }, /no feature named norms/ as unknown as string],
  ])('features %s are refused', async (_, options, message) => {
    const ancestor = livelyAncestor()
    const pool = buildPool(
      [createAuxiliary(ancestor, { width: 8, depth: 2, heads: 2 }, createRng(1))],
      { space: { kind: 'singleTiers' } },
      createRng(2),
    )
    await expect(fineTune(pool, source, { ...plan, ...options }, createRng(3))).rejects.toThrow(message)
    disposePool(pool)
    disposeNetwork(ancestor)
  })

  it('of features needs a teacher that has them', async () => {
    const ancestor = livelyAncestor()
    const teacher = await cachedTeacher(ancestor, [], source)
    const pool = buildPool(
      [createAuxiliary(ancestor, { width: 8, depth: 2, heads: 2 }, createRng(1))],
      { space: { kind: 'singleTiers' } },
      createRng(2),
    )
    const options = { ...plan, teacher, features: { ancestor: ['pooled'] }, loss: () => ({}) }
    await expect(fineTune(pool, source, options, createRng(3))).rejects.toThrow(
      "feature 'pooled' was not cached; cached are the logits only",
    )
    disposePool(pool)
    disposeNetwork(ancestor)
  })
})
