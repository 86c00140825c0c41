import { describeEachBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { expect, it } from 'vitest'
import { cachedTeacher } from './cached-teacher.js'
import { distill } from './distill.js'
import recorded from './testing/loss-curve.json' with { type: 'json' }
import { livelyAncestor, tinyImages } from './testing/tiny.js'

describeEachBackend(({ tolerances }) => {
  it('the same seed and data give the same losses over 20 steps of distillation', async () => {
    const plan = { epochs: 5, batchSize: 6, learningRate: 2e-2 }
    const spec = { name: 'small', width: 8, depth: 1, heads: 2 }
    const [ancestor, source] = [livelyAncestor(), tinyImages(24)]
    const teacher = await cachedTeacher(ancestor, ['block.3', 'attn.3'], source)
    const { losses } = await distill(ancestor, spec, source, { ...plan, start: 'random', teacher }, createRng(3))
    const differences = recorded.map((loss, step) => Math.abs(losses[step]! - loss) / loss)
    // Two backends that are as far from the recorded curve as allowed, on either side of it, still agree.
    expect(Math.max(...differences), `recorded on cpu; here ${JSON.stringify([...losses])}`).toBeLessThan(tolerances.lossCurve / 2)
    expect(losses).toHaveLength(20)
    expect(losses[19]).toBeLessThan(losses[0]! * 0.7)
  })
})
