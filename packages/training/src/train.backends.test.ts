import type { ReportEvent } from '@learngene/interfaces'
import { describeEachBackend, valuesOf } from '@learngene/testing'
import { add, log, memory, mul, type Scalar, scalar, sqrt, square, sub, sum, tensor, variable } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { adamW } from './adamw.js'
import { averaging } from './averaging.js'
import { createRegression, range } from './regression.fixture.js'
import { sgd } from './sgd.js'
import { type TrainOptions, train } from './train.js'

const options = { steps: 10, optimizer: adamW(), learningRate: () => 0.05 }

describeEachBackend(() => {
  test('the loss falls, all steps are reported, and parameters out of its reach stay', async () => {
    const { parameters, loss, values } = createRegression()
    const { unused } = await values()
    const events: ReportEvent[] = []
    const losses = await train({ ...options, steps: 60, parameters, loss: () => loss(), report: (event) => events.push(event) })
    expect(losses).toHaveLength(60)
    expect(losses[59]).toBeLessThan(losses[0]! / 3)
    expect((await values()).unused).toEqual(unused)
    expect(events.map((event) => event.kind === 'progress' && event.done)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
    expect(events[4]).toEqual({ kind: 'progress', done: 5, total: 60, metrics: { loss: losses[4] } })
  })

  test('the number of tensors is the same in every step and returns to its start', async () => {
    const { parameters, loss } = createRegression()
    const before = memory().numTensors
    const counts: number[] = []
    const report = () => void counts.push(memory().numTensors)
    await train({ ...options, parameters, loss: (_, part) => loss(range(8 * part, 8 * part + 8)), accumulate: 2, clipNorm: 0.1, report })
    expect(new Set(counts).size).toBe(1)
    expect(memory().numTensors).toBe(before)
  })

  test.each([
    ['AdamW', () => adamW({ weightDecay: 0 })],
    ['SGD', () => sgd({ momentum: 0.5 })],
  ])('a step of %s whose loss reaches no parameter changes nothing', async (_, optimizer) => {
    const [parameters, constant] = [{ p: variable(tensor([1])) }, scalar(2)]
    const before = memory().numTensors
    const loss = (step: number) => (step === 0 ? square(constant) : sum(square(parameters.p))) as Scalar
    const plan = { parameters, loss, optimizer: optimizer(), learningRate: () => 0.25, clipNorm: 1 }
    expect(Array.from(await train({ ...plan, steps: 1 }))).toEqual([4])
    expect(await valuesOf(parameters.p)).toEqual([1])
    expect(Array.from(await train({ ...plan, steps: 2 }))).toEqual([4, 1])
    expect((await valuesOf(parameters.p))[0]).toBeCloseTo(0.75, 5)
    expect(memory().numTensors).toBe(before)
  })

  test('accumulated parts train as one big batch does', async () => {
    const [whole, parts] = [createRegression(), createRegression()]
    await train({ ...options, parameters: whole.parameters, loss: () => whole.loss() })
    await train({ ...options, parameters: parts.parameters, loss: (_, part) => parts.loss(range(4 * part, 4 * part + 4)), accumulate: 4 })
    for (const [name, values] of Object.entries(await whole.values())) {
      const accumulated = (await parts.values())[name]!
      for (const [i, value] of values.entries()) expect(Math.abs(accumulated[i]! - value)).toBeLessThan(1e-5)
    }
  })

  test('clipNorm bounds the change of a plain gradient step', async () => {
    const { parameters, loss, values } = createRegression()
    const before = await values()
    await train({ parameters, steps: 1, loss: () => loss(), optimizer: sgd(), learningRate: () => 1, clipNorm: 0.01 })
    const change = Object.entries(await values()).flatMap(([name, after]) => after.map((value, i) => (value - before[name]![i]!) ** 2))
    expect(Math.sqrt(change.reduce((a, b) => a + b))).toBeCloseTo(0.01, 5)
  })

  test('learning rates come from the schedule, by step', async () => {
    const parameters = { p: variable(tensor([0])) }
    await train({ parameters, steps: 3, loss: () => sum(parameters.p) as Scalar, optimizer: sgd(), learningRate: (step) => 10 ** step })
    expect((await valuesOf(parameters.p))[0]).toBe(-111)
  })

  test('a loss that is not finite names the step and leaves parameters and memory as they were', async () => {
    const parameters = { p: variable(tensor([1])) }
    const before = memory().numTensors
    const loss = (step: number) => sum(log(sub(parameters.p, step === 2 ? 100 : 0))) as Scalar
    await expect(train({ parameters, steps: 5, loss, optimizer: sgd(), learningRate: () => 0.5 })).rejects.toThrow(
      'train: the loss must stay finite; step 2 of 5 gave NaN at learning rate 0.5. The parameters are those after step 1, the last good one. Lower the learning rate or clip gradients',
    )
    // 1 - 0.5 / 1 = 0.5, 0.5 - 0.5 / 0.5 = -0.5
    expect((await valuesOf(parameters.p))[0]).toBeCloseTo(-0.5, 6)
    expect(memory().numTensors).toBe(before)
  })

  test.each<[string, () => Partial<TrainOptions>]>([
    ['AdamW', () => ({ optimizer: adamW() })],
    ['AdamW, averaged, of two parts, clipped', () => ({ optimizer: averaging(adamW(), 0.9), accumulate: 2, clipNorm: 0.5 })],
    ['momentum', () => ({ optimizer: sgd({ momentum: 0.9 }) })],
  ])('%s: after a loss that is not finite the parameters have the bits of the last good step', async (_, more) => {
    const bad = 4
    const run = async (steps: number, end: Partial<TrainOptions>) => {
      const { parameters, loss, values, dispose } = createRegression()
      const spoiled = (step: number, part: number) => {
        const value = loss(range(step % 8, 8 + (step % 8)))
        return (step === bad && part === 0 ? mul(value, Number.NaN) : value) as Scalar
      }
      const error = await train({ ...options, steps, parameters, loss: spoiled, ...more(), ...end }).catch((error) => error)
      const seen = await values()
      dispose()
      return { seen, error }
    }
    // What averages leave in the end is not what was trained: both trainings end by an error.
    const failing = await run(12, {})
    expect(failing.error.message).toMatch(
      `step ${bad} of 12 gave NaN at learning rate 0.05. The parameters are those after step ${bad - 1}, the last good one.`,
    )
    const stop = new AbortController()
    const interrupted = await run(12, {
      signal: stop.signal,
      checkpoint: { every: bad, save: () => stop.abort(new Error('enough')) },
    })
    expect(interrupted.error.message).toBe('enough')
    expect(failing.seen).toEqual(interrupted.seen)
  })

  test.each<[string, Partial<TrainOptions>]>([
    ['plain', {}],
    ['clipped', { clipNorm: 1 }],
    ['recorded', { compile: { key: () => '' } }],
  ])('%s: gradients that are not finite are an error too, though the loss is', async (_, more) => {
    const parameters = { p: variable(tensor([0])), q: variable(tensor([2])) }
    const loss = () => add(sum(sqrt(square(parameters.p))), sum(square(parameters.q))) as Scalar
    await expect(train({ ...options, parameters, loss, ...more })).rejects.toThrow(
      "train: the gradients' norm must stay finite; step 0 of 10 gave NaN at learning rate 0.05. The parameters are as they were before it",
    )
    expect([...(await valuesOf(parameters.p)), ...(await valuesOf(parameters.q))]).toEqual([0, 2])
  })

  test('an abort during the training ends it with its reason', async () => {
    const { parameters, loss } = createRegression()
    const before = memory().numTensors
    const controller = new AbortController()
    let done = 0
    const report = () => {
      if (++done === 3) controller.abort(new Error('enough'))
    }
    await expect(train({ ...options, parameters, loss: () => loss(), report, signal: controller.signal })).rejects.toThrow('enough')
    expect(done).toBe(3)
    expect(memory().numTensors).toBe(before)
  })

  test('timers run while it trains', async () => {
    const { parameters, loss } = createRegression()
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('time is up')), 20)
    await expect(train({ ...options, steps: 1e6, parameters, loss: () => loss(), signal: controller.signal })).rejects.toThrow('time is up')
  })

  test('counts that are no counts are refused before anything is made', async () => {
    const parameters = { p: variable(scalar(1)) }
    const loss = () => square(parameters.p) as Scalar
    const before = memory().numTensors
    const checkpoint = { every: 0.5, save: () => {} }
    await expect(train({ ...options, parameters, loss, steps: -1 })).rejects.toThrow(
      'train: steps must be an integer of at least 0; got -1',
    )
    await expect(train({ ...options, parameters, loss, accumulate: 0 })).rejects.toThrow(
      'accumulate must be an integer of at least 1; got 0',
    )
    await expect(train({ ...options, parameters, loss, checkpoint })).rejects.toThrow(
      'checkpoint.every must be an integer of at least 1; got 0.5',
    )
    expect(memory().numTensors).toBe(before)
  })

  test('options that are missing, misspelt or of another kind are refused in one line', async () => {
    const parameters = { p: variable(scalar(1)) }
    const right = { ...options, parameters, loss: () => square(parameters.p) as Scalar }
    const before = memory().numTensors
    for (const [wrong, message] of [
      [{ parameters: {} }, 'train: there must be at least one parameter to train; got an empty object'],
      [{ parameters: { p: 1 } }, "train: parameters must be variables by name; 'p' is 1"],
      [{ loss: undefined }, 'train: loss must be given; it is missing'],
      [{ learningRate: 0.1 }, 'train: learningRate must be a function; got 0.1'],
      [{ optimizer: 'adamW' }, "train: optimizer must be one, for example adamW(); got 'adamW'"],
      [{ clipNorm: 0 }, 'train: clipNorm must be a number above 0; got 0'],
      [{ epochs: 3 }, "train: there is no option 'epochs'; the options are parameters, steps,"],
    ] as const) {
      await expect(train({ ...right, ...wrong } as never)).rejects.toThrow(message)
    }
    await expect(train(undefined as never)).rejects.toThrow('train: options must be an object; got undefined')
    expect(memory().numTensors).toBe(before)
  })
})
