import { describeEachBackend } from '@learngene/testing'
import { memory, mul, type Scalar, sum, type Tensor, tensor, tidy, variable } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { averaging } from './averaging.js'
import type { TrainingCheckpoint } from './checkpoint.js'
import type { EvaluationOptions } from './evaluation.js'
import { sgd } from './sgd.js'
import { type TrainOptions, train } from './train.js'

const scores = [1, 5, 3, 4, 2, 6, 0, 0]

/** A weight that falls by 1 each step from 10, and what was measured of it. */
async function run(evaluate: Partial<EvaluationOptions>, options: Partial<TrainOptions> = {}) {
  const weight = tidy(() => variable(tensor([10])))
  const seen: number[] = []
  const measure = async (step: number) => {
    seen.push((await weight.data())[0]!)
    return { accuracy: scores[step]! }
  }
  const losses = await train({
    parameters: { weight },
    steps: 8,
    loss: () => sum(weight) as Scalar,
    optimizer: sgd(),
    learningRate: () => 1,
    evaluate: { every: 1, measure, ...evaluate },
    ...options,
  })
  const [value] = await weight.data()
  weight.dispose()
  return { losses: Array.from(losses), value, seen }
}

describeEachBackend(() => {
  test('what is trained is measured every so many steps and at the end', async () => {
    const metrics: unknown[] = []
    const report: TrainOptions['report'] = (event) => event.kind === 'progress' && metrics.push(event.metrics?.accuracy)
    const { seen, value } = await run({ every: 3 }, { report })
    expect(seen).toEqual([7, 4, 2])
    expect(metrics).toEqual([undefined, undefined, 3, undefined, undefined, 6, undefined, 0])
    expect(value).toBe(2)
  })

  test('the best parameters are what remains, and patience ends the training', async () => {
    expect((await run({ keepBest: 'accuracy' })).value).toBe(4)
    const early = await run({ keepBest: 'accuracy', patience: 2 })
    expect(early.losses).toEqual([10, 9, 8, 7])
    expect(early.value).toBe(8)
  })

  test('a resumed training remembers its best and its patience', async () => {
    const saved: TrainingCheckpoint[] = []
    const evaluate = { keepBest: 'accuracy', patience: 3 }
    const whole = await run(evaluate, { checkpoint: { every: 3, save: (state) => void saved.push(structuredClone(state)) } })
    expect(saved[0]!.evaluations).toHaveLength(3)
    const rest = await run(evaluate, { resume: saved[0]! })
    expect(rest.losses).toEqual(whole.losses)
    expect(rest.value).toBe(whole.value)
    expect(rest.seen).toEqual(whole.seen.slice(3))
  })

  test('averages are what is measured and what remains; the training itself does not see them', async () => {
    const decay = 0.5
    let [average, weight] = [0, 10]
    const expected = Array.from({ length: 8 }, (_, i) => {
      weight -= 1
      average = decay * average + (1 - decay) * weight
      return average / (1 - decay ** (i + 1))
    })
    const before = memory().numTensors
    const { seen, losses, value } = await run({}, { optimizer: averaging(sgd({ momentum: 0 }), decay) })
    expect(memory().numTensors).toBe(before)
    for (const [i, each] of seen.entries()) expect(each).toBeCloseTo(expected[i]!, 4)
    expect(losses).toEqual([10, 9, 8, 7, 6, 5, 4, 3])
    expect(value).toBeCloseTo(expected[7]!, 4)
  })

  test('named terms are summed, and reported apart', async () => {
    const weight = tidy(() => variable(tensor([1])))
    const metrics: unknown[] = []
    const losses = await train({
      parameters: { weight },
      steps: 2,
      loss: (_step, part) => ({ near: sum(weight) as Scalar, far: sum(mul(weight, part === 0 ? 2 : 4) as Tensor) as Scalar }),
      accumulate: 2,
      optimizer: sgd(),
      learningRate: () => 0.125,
      report: (event) => event.kind === 'progress' && metrics.push(event.metrics),
    })
    expect(Array.from(losses)).toEqual([4, 2])
    expect(metrics).toEqual([
      { near: 1, far: 3, loss: 4 },
      { near: 0.5, far: 1.5, loss: 2 },
    ])
    weight.dispose()
  })

  test.each<[Partial<EvaluationOptions>, string]>([
    [{ every: 0 }, 'evaluate: every must be an integer of at least 1; got 0'],
    [{ patience: 2 }, 'evaluate: patience needs keepBest, the name of the measure that must get better'],
    [{ keepBest: 'top5' }, "evaluate: keepBest must name a measure, accuracy; got 'top5'"],
    [{ measure: 3 as never }, 'evaluate: measure must be a function; got 3'],
  ])('%j is refused', async (evaluate, message) => {
    await expect(run(evaluate)).rejects.toThrow(message)
  })
})
