import { describeEachBackend } from '@learngene/testing'
import { memory, onesLike } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { adamW } from './adamw.js'
import type { TrainingCheckpoint } from './checkpoint.js'
import { alone } from './group.js'
import type { Optimizer } from './optimizer.js'
import { createRegression, range } from './regression.fixture.js'
import { sgd } from './sgd.js'
import { type TrainOptions, train } from './train.js'

/** Trains a fresh regression for ten steps, each on other examples. */
async function run(options: Partial<TrainOptions> = {}, { spoiled = false } = {}) {
  const { parameters, loss, values } = createRegression()
  if (spoiled) for (const parameter of Object.values(parameters)) parameter.assign(onesLike(parameter))
  const losses = await train({
    parameters,
    steps: 10,
    loss: (step) => loss(range(step % 4, 4 + (step % 4))),
    optimizer: adamW(),
    learningRate: (step) => 0.1 / (1 + step),
    ...options,
  })
  return { losses, values: await values() }
}

async function checkpointsOf(options: Partial<TrainOptions>): Promise<TrainingCheckpoint[]> {
  const saved: TrainingCheckpoint[] = []
  await run({ ...options, checkpoint: { every: 3, save: async (state) => void saved.push(state) } })
  return saved
}

describeEachBackend(() => {
  test.each<[string, Optimizer]>([
    ['adamW', adamW()],
    ['sgd', sgd({ momentum: 0.9 })],
    ['sgd without state', sgd()],
  ])('a resumed training with %s gives the same bits, whatever the parameters were', async (_, optimizer) => {
    const whole = await run({ optimizer })
    const saved = await checkpointsOf({ optimizer })
    expect(saved.map(({ step }) => step)).toEqual([3, 6, 9])
    const resumed = await run({ optimizer, resume: structuredClone(saved[1]!) }, { spoiled: true })
    expect(resumed).toEqual(whole)
  })

  test('what earlier versions did not write is as if nothing had been left out, scaled or evaluated', async () => {
    const whole = await run()
    const { step, parameters, optimizer, losses } = (await checkpointsOf({}))[1]!
    const slots = Object.entries(optimizer).map(([name, { steps, tensors }]) => [name, { steps, tensors }])
    const earlier: TrainingCheckpoint = { step, parameters, optimizer: Object.fromEntries(slots), losses }
    expect(await run({ resume: structuredClone(earlier) }, { spoiled: true })).toEqual(whole)
  })

  test('a checkpoint is a copy: later steps do not change it', async () => {
    const [first] = await checkpointsOf({})
    const [again] = await checkpointsOf({ steps: 3 })
    expect(first).toEqual(again)
    expect(first!.losses).toHaveLength(3)
    expect(first!.optimizer['hidden.bias']).toMatchObject({ steps: 3, tensors: { m: { shape: [4] }, v: { shape: [4] } } })
  })

  test('only rank 0 of a group saves', async () => {
    expect(await checkpointsOf({ group: { ...alone, rank: 1, size: 2 } })).toEqual([])
    expect(await checkpointsOf({ group: { ...alone, rank: 0, size: 2 } })).toHaveLength(3)
  })

  test('resuming a finished training runs no step', async () => {
    const saved = await checkpointsOf({})
    const { losses } = await run({ steps: 9, resume: saved[2]! })
    expect(losses).toEqual(saved[2]!.losses)
  })

  const without = (record: object, name: string) => Object.fromEntries(Object.entries(record).filter(([key]) => key !== name))

  test.each<[string, (state: TrainingCheckpoint) => object, string]>([
    [
      'a missing parameter',
      ({ parameters }) => ({ parameters: without(parameters, 'hidden.bias') }),
      'resume: parameters must have the same names as in this training; the checkpoint lacks [hidden.bias] and has [] besides',
    ],
    [
      'an extra parameter',
      ({ parameters }) => ({ parameters: { ...parameters, more: parameters.unused } }),
      'the checkpoint lacks [] and has [more] besides',
    ],
    [
      'another shape',
      ({ parameters }) => ({ parameters: { ...parameters, unused: { shape: [4], data: new Float32Array(4) } } }),
      "resume: parameter 'unused' must have shape [2,2]; the checkpoint holds 4 values of shape [4]",
    ],
    [
      'too few values',
      ({ parameters }) => ({ parameters: { ...parameters, unused: { shape: [2, 2], data: new Float32Array(3) } } }),
      'the checkpoint holds 3 values of shape [2,2]',
    ],
    [
      'a missing slot',
      ({ optimizer }) => ({ optimizer: without(optimizer, 'unused') }),
      'resume: optimizer slots must have the same names',
    ],
    [
      'another optimizer',
      ({ optimizer }) => ({
        optimizer: { ...optimizer, unused: { steps: 1, tensors: { velocity: { shape: [2, 2], data: new Float32Array(4) } } } },
      }),
      "resume: optimizer tensors of 'unused' must have the same names as in this training; the checkpoint lacks [m,v] and has [velocity] besides",
    ],
    [
      'too many steps',
      () => ({ step: 11, losses: new Float32Array(11) }),
      'resume: a checkpoint must hold at most 10 finished steps and a loss for each; got step 11 and 11 losses',
    ],
    ['losses of other steps', () => ({ losses: new Float32Array(1) }), 'got step 3 and 1 losses'],
  ])('%s is refused, and nothing is restored', async (_, change, message) => {
    const [state] = await checkpointsOf({})
    const { parameters, loss, values, dispose } = createRegression({ seed: 5 })
    const [before, tensors] = [await values(), memory().numTensors]
    const resume = { ...state!, ...change(state!) }
    await expect(train({ parameters, steps: 10, loss: () => loss(), optimizer: adamW(), learningRate: () => 1, resume })).rejects.toThrow(
      message,
    )
    expect(await values()).toEqual(before)
    expect(memory().numTensors).toBe(tensors)
    dispose()
  })
})
