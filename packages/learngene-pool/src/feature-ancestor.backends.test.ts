import { describeEachBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { createViT, disposeNetwork, interfaceOf, type ViTConfig } from '@learngene/vit-blocks'
import { memory } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { createAuxiliary } from './auxiliary.js'
import { cachedTeacher } from './cached-teacher.js'
import { createDistillation, distill } from './distill.js'
import { tinyConfig, tinyImages } from './testing/tiny.js'

/** Ancestors with all that other families have and DeiT has not. */
const featureAncestor = (changes: Partial<ViTConfig> = {}) =>
  createViT({ ...tinyConfig, classes: 0, registerTokens: 2, embeddingNorm: true, activation: 'quickGelu', ...changes }, createRng(1))
const plan = { epochs: 3, batchSize: 4, learningRate: 1e-2 }
const spec = { width: 8, depth: 2, heads: 2 }

describeEachBackend(({ tolerances }) => {
  it('an ancestor without a classifier distils by its features, from a cache as live, and leaves nothing behind', async () => {
    const options = { ...plan, start: 'random' as const }
    const before = memory().numTensors
    const ancestor = featureAncestor()
    const source = tinyImages(12)
    const live = await distill(ancestor, spec, source, options, createRng(2))
    expect(live.losses.at(-1)!).toBeLessThan(live.losses[0]!)
    expect(interfaceOf(live.tier.network)).toEqual(interfaceOf(ancestor))
    const features = ['block.1', 'block.3', 'attn.1', 'attn.3']
    const teacher = await cachedTeacher(ancestor, features, source, { memoryLimit: 4 * 4 * features.length * 7 * 16, batchSize: 4 })
    const cached = await distill(ancestor, spec, source, { ...options, teacher }, createRng(2))
    for (const [i, loss] of cached.losses.entries()) expect(Math.abs(live.losses[i]! - loss) / loss).toBeLessThan(tolerances.lossCurve)
    for (const { tier } of [live, cached]) disposeNetwork(tier.network)
    disposeNetwork(ancestor)
    expect(memory().numTensors).toBe(before)
  })
})

describe('an ancestor without a classifier', () => {
  it('teaches auxiliaries that have one of their own, by labels beside features', async () => {
    const ancestor = featureAncestor({ pooling: 'average', classToken: false, embeddingNorm: false })
    const { tier, losses } = await distill(
      ancestor,
      { ...spec, depth: 4, classes: 3 },
      tinyImages(12),
      { ...plan, epochs: 6, learningRate: 3e-3 },
      createRng(2),
    )
    expect(tier.network.head).toMatchObject({ classes: 3, config: { pooling: 'average' } })
    expect(losses.at(-1)!).toBeLessThan(losses[0]!)
    disposeNetwork(tier.network)
    disposeNetwork(ancestor)
  })

  it('gives auxiliaries its attention pooling with heads of their own', () => {
    const ancestor = featureAncestor({ pooling: 'attention', attentionPool: { heads: 4 } })
    const { network } = createAuxiliary(ancestor, spec, createRng(2))
    expect(network.head.config).toEqual({ pooling: 'attention', attentionPool: { heads: 2, mlpRatio: 4 } })
    disposeNetwork(network)
    disposeNetwork(ancestor)
  })

  it('has no logits to compare, nor labels without a classifier', () => {
    const ancestor = featureAncestor()
    expect(() => createDistillation(ancestor, spec, { weights: { logit: 1 } }, createRng(1))).toThrow(
      'distillation: the logit term compares logits of the same classes; the ancestor has 0, the auxiliary 0: leave weights.logit out',
    )
    expect(() => createDistillation(ancestor, spec, { labelWeight: 0.1 }, createRng(1))).toThrow('labels need a classifier')
    disposeNetwork(ancestor)
  })
})
