import { gelu, linear, setOps, setPrecision } from '@learngene/ops'
import { startBackend, TOLERANCES, watchPrograms } from '@learngene/testing'
import {
  engine,
  mean,
  memory,
  mul,
  type Scalar,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor,
  tensor2d,
  tidy,
  variable,
} from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { adamW } from './adamw.js'
import { averaging } from './averaging.js'
import type { TrainingCheckpoint } from './checkpoint.js'
import { alone } from './group.js'
import { createRng } from './rng.js'
import { sgd } from './sgd.js'
import { type TrainOptions, train } from './train.js'

const missing = await startBackend('webgpu').then(
  () => undefined,
  (error: Error) => error.message,
)

type Batch = { readonly x: Tensor2D; readonly y: Tensor2D }

/** Two paths through a small network: one leaves `second` out. */
function createTask() {
  const rng = createRng(1)
  const normals = (shape: [number, number]) => Float32Array.from({ length: shape[0] * shape[1] }, () => rng.normal())
  const weight = (out: number, width: number) => tidy(() => variable(tensor2d(normals([out, width]), [out, width])))
  const zeros = (size: number) => tidy(() => variable(tensor(new Float32Array(size))))
  const parameters = {
    first: weight(8, 6),
    firstBias: zeros(8),
    second: weight(8, 8),
    secondBias: zeros(8),
    last: weight(3, 8),
    lastBias: zeros(3),
  }
  const key = (step: number) => (step % 3 === 1 ? 'short' : 'long')
  const batch = (step: number): Batch => {
    const draw = rng.fork(`batch ${step}`)
    const of = (columns: number) =>
      tensor2d(
        Float32Array.from({ length: 5 * columns }, () => draw.normal()),
        [5, columns],
      )
    return { x: of(6), y: of(3) }
  }
  const loss = (step: number, part: number, { x, y }: Batch): Scalar => {
    const layer = (input: Tensor2D, name: 'first' | 'second' | 'last') =>
      linear(input, parameters[name] as Tensor2D, parameters[`${name}Bias`] as Tensor1D)
    let h = gelu(layer(mul(x, 1 + part) as Tensor2D, 'first'))
    if (key(step) === 'long') h = gelu(layer(h, 'second'))
    return mean(square(sub(layer(h, 'last'), y)))
  }
  const options = { parameters, batch, loss, steps: 5, learningRate: (step: number) => 0.02 / (1 + step) }
  const values = () => Promise.all(Object.values(parameters).map((parameter) => parameter.data()))
  return { options, key, values, dispose: () => Object.values(parameters).forEach((parameter) => void parameter.dispose()) }
}

/** Trains a fresh task whose batch of step 4 is spoiled where `spoiled`; the error, and the parameters as they are then. */
async function trainUntilError(more: Partial<TrainOptions<Batch>> & Pick<TrainOptions, 'optimizer'>, spoiled = true) {
  const task = createTask()
  const batch = (step: number): Batch => {
    const { x, y } = task.options.batch(step)
    return { x: spoiled && step === 4 ? mul(x, Number.NaN) : x, y }
  }
  const error: Error = await train({ ...task.options, steps: 12, batch, compile: { key: task.key }, ...more }).catch((error) => error)
  const values = await task.values()
  task.dispose()
  return { error, values }
}

describe.skipIf(missing !== undefined)(`compiled steps on webgpu${missing ? ` (${missing})` : ''}`, () => {
  beforeAll(() => startBackend('webgpu'))

  test.each<[string, () => Partial<TrainOptions<Batch>> & Pick<TrainOptions, 'optimizer'>]>([
    ['AdamW, clipped, of two parts', () => ({ optimizer: adamW(), clipNorm: 0.5, accumulate: 2 })],
    ['momentum', () => ({ optimizer: sgd({ momentum: 0.9 }) })],
  ])('%s: the bits of plain steps, on two paths', async (_, more) => {
    const [plain, compiled] = [createTask(), createTask()]
    const before = memory().numTensors
    const expected = await train({ ...plain.options, ...more() })
    const calls = vi.fn(compiled.options.loss)
    const counts: number[] = []
    const losses = await train({
      ...compiled.options,
      ...more(),
      loss: calls,
      compile: { key: compiled.key },
      batch: (step) => {
        counts.push(memory().numTensors)
        return compiled.options.batch(step)
      },
    })
    expect(losses).toEqual(expected)
    expect(await compiled.values()).toEqual(await plain.values())
    expect(calls).toHaveBeenCalledTimes(2 * 2 * (more().accumulate ?? 1))
    expect(new Set(counts.slice(2)).size).toBe(1)
    expect(memory().numTensors).toBe(before)
    plain.dispose()
    compiled.dispose()
  })

  /** Buffers that the device makes within each step. */
  const countBuffers = () => {
    const { device } = engine().backend as unknown as { device: GPUDevice }
    const created = vi.spyOn(device, 'createBuffer')
    const counts: number[] = []
    return { counts, note: () => counts.push(created.mock.calls.length), end: () => created.mockRestore() }
  }

  test.each<[string, () => Partial<TrainOptions<Batch>>, boolean]>([
    ['AdamW, averaged', () => ({ optimizer: averaging(adamW(), 0.9) }), true],
    ['momentum', () => ({ optimizer: sgd({ momentum: 0.9 }) }), true],
    ['AdamW, clipped', () => ({ optimizer: adamW(), clipNorm: 0.5 }), false],
  ])('%s: steps of several paths, of which each is recorded once, are plain steps', async (_, more, exact) => {
    const [plain, compiled] = [createTask(), createTask()]
    const parts = 3
    // Paths of a step in combinations that come once: 0 to 3 of its parts are short, in any place.
    const isShort = (step: number, part: number) => (((step * 5) >> part) & 1) === 1
    const key = (step: number, part: number) => (isShort(step, part) ? 'short' : 'long')
    const optionsOf = ({ options }: typeof plain) => ({
      ...options,
      steps: 8,
      accumulate: parts,
      loss: (step: number, part: number, batch: Batch) => options.loss(isShort(step, part) ? 1 : 0, 0, batch),
      optimizer: adamW(),
      ...more(),
    })
    const expected = await train(optionsOf(plain))
    const before = memory().numTensors
    const given = optionsOf(compiled)
    const loss = vi.fn(given.loss)
    const buffers = countBuffers()
    const batch = (step: number) => {
      buffers.note()
      return compiled.options.batch(step)
    }
    const losses = await train({ ...given, loss, batch, compile: { key: () => '', partKey: key } })
    buffers.end()
    expect(new Set(buffers.counts.slice(-3)).size).toBe(1)
    expect(loss).toHaveBeenCalledTimes(1 + 2 * 2) // once to know the loss's terms, twice for each path
    expect(memory().numTensors).toBe(before)
    const [actual, wanted] = [await compiled.values(), await plain.values()]
    if (exact) expect([losses, actual]).toEqual([expected, wanted])
    for (const [i, values] of wanted.entries()) {
      for (const [k, value] of values.entries()) expect(Math.abs(actual[i]![k]! - value)).toBeLessThan(TOLERANCES.webgpu.identity)
    }
    plain.dispose()
    compiled.dispose()
  })

  test('parts that are recorded each for itself must name the terms of their losses alike', async () => {
    const { options, dispose } = createTask()
    const loss = (step: number, part: number, batch: Batch) => ({
      [part === 0 ? 'first' : 'other']: options.loss(step, 0, batch) as Scalar,
    })
    const training = train({
      ...options,
      loss,
      optimizer: adamW(),
      accumulate: 2,
      compile: { key: () => '', partKey: (_, part) => String(part) },
    })
    await expect(training).rejects.toThrow('train: the parts of a step must have a loss of the same terms; got first and other')
    dispose()
  })

  test('parts that are recorded each for itself compile the programs of the first one all at once', async () => {
    const { options, dispose } = createTask()
    const partKey = (step: number) => (step === 1 ? 'short' : 'long')
    const programs = watchPrograms()
    try {
      await train({ ...options, accumulate: 2, optimizer: adamW(), compile: { key: () => '', partKey } })
      expect(programs.ahead.length).toBeGreaterThan(5)
      // Those that fill the optimizer's state and the totals.
      expect(programs.waiting.filter((label) => label !== 'FillProgram')).toEqual([])
    } finally {
      programs.end()
    }
    dispose()
  })

  test.each([undefined, 0.5])('in a group, clipped at %s, recorded steps are plain steps', async (clipNorm) => {
    const mean = vi.fn((values: Float32Array) => values.set(values.map((value) => value / 2)))
    const group = { ...alone, size: 2, mean }
    const [plain, compiled] = [createTask(), createTask()]
    const more = { steps: 8, optimizer: averaging(adamW(), 0.9), accumulate: 2, group, clipNorm }
    const expected = await train({ ...plain.options, ...more })
    const loss = vi.fn(compiled.options.loss)
    const buffers = countBuffers()
    const batch = (step: number) => {
      buffers.note()
      return compiled.options.batch(step)
    }
    const losses = await train({ ...compiled.options, ...more, loss, batch, compile: { key: compiled.key } })
    buffers.end()
    expect(new Set(buffers.counts.slice(-3)).size).toBe(1)
    expect(loss).toHaveBeenCalledTimes(2 * 2 * 2)
    expect(mean).toHaveBeenCalledTimes(16)
    expect(losses).toEqual(expected)
    expect(await compiled.values()).toEqual(await plain.values())
    plain.dispose()
    compiled.dispose()
  })

  test('settings of the operations that change are recorded anew', async () => {
    const { options, dispose } = createTask()
    const loss = vi.fn(options.loss)
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const batch = (step: number) => {
      if (step === 2) setOps('reference')
      if (step === 4) setPrecision('mixed')
      return options.batch(step)
    }
    try {
      await train({ ...options, steps: 6, optimizer: sgd(), loss, compile: { key: () => '' }, batch })
      expect(loss.mock.calls.map(([step]) => step)).toEqual([0, 0, 2, 2, 4, 4])
    } finally {
      setOps('auto')
      setPrecision('f32')
      warned.mockRestore()
    }
    dispose()
  })

  test('an interrupted training comes to the same bits', async () => {
    const [whole, parts] = [createTask(), createTask()]
    const compile = { key: whole.key }
    const losses = await train({ ...whole.options, optimizer: adamW(), compile })
    let saved: TrainingCheckpoint | undefined
    const stop = new AbortController()
    const save = (state: TrainingCheckpoint) => {
      saved = structuredClone(state)
      stop.abort(new Error('interrupted'))
    }
    const checkpoint = { every: 3, save }
    await expect(train({ ...parts.options, optimizer: adamW(), compile, checkpoint, signal: stop.signal })).rejects.toThrow('interrupted')
    expect(saved!.step).toBe(3)
    const rest = await train({ ...parts.options, optimizer: adamW(), compile, resume: saved })
    expect(rest).toEqual(losses)
    expect(await parts.values()).toEqual(await whole.values())
    whole.dispose()
    parts.dispose()
  })

  test('no batch is made before what it needs is prepared, and a failure comes to the step that it belongs to', async () => {
    const weight = tidy(() => variable(tensor([1])))
    const before = memory().numTensors
    const prepared = new Set<number>()
    const trainWith = (prepare: (step: number) => Promise<unknown>) =>
      train<unknown, { x: Tensor }>({
        parameters: { weight },
        steps: 4,
        prepare,
        batch(step) {
          if (!prepared.has(step)) throw new Error(`images of step ${step} must be prepared first`)
          return { x: tensor([step]) }
        },
        loss: (_step, _part, { x }) => sum(mul(weight, x)) as Scalar,
        compile: { key: () => '' },
        optimizer: sgd(),
        learningRate: () => 0.1,
      })
    const slowly = async (step: number) => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      if (step === 3) throw new Error('cat.png: cannot be decoded')
      prepared.add(step)
    }
    await expect(trainWith(slowly)).rejects.toThrow('cat.png: cannot be decoded')
    expect([...prepared]).toEqual([0, 1, 2])
    expect(weight.isDisposed).toBe(false)
    expect(Array.from(await trainWith(async (step) => prepared.add(step)))).toHaveLength(4)
    expect(memory().numTensors).toBe(before)
    weight.dispose()
  })

  test('tensors of a batch that were there before the step stay', async () => {
    const weight = tidy(() => variable(tensor([1, 2])))
    const x = tensor([3, 4])
    const losses = await train<{ x: typeof x; twice: typeof x }>({
      parameters: { weight },
      steps: 3,
      batch: () => ({ x, twice: mul(x, 2) }),
      loss: (_step, _part, { x, twice }) => sum(mul(weight, sub(twice, x))) as Scalar,
      compile: { key: () => '' },
      optimizer: sgd(),
      learningRate: () => 0.1,
    })
    expect(Array.from(losses)).toEqual([11, expect.closeTo(8.5, 4), expect.closeTo(6, 4)])
    expect(x.isDisposed).toBe(false)
    x.dispose()
    weight.dispose()
  })

  test.each<[string, () => Pick<TrainOptions, 'optimizer' | 'clipNorm' | 'accumulate'>]>([
    ['AdamW, averaged, clipped, of two parts', () => ({ optimizer: averaging(adamW(), 0.9), clipNorm: 0.5, accumulate: 2 })],
    ['AdamW', () => ({ optimizer: adamW() })],
    ['momentum', () => ({ optimizer: sgd({ momentum: 0.9 }) })],
  ])(
    '%s: after a loss that is not finite the parameters have the bits of the last good step, though later steps were under way',
    async (_, more) => {
      const issued: number[] = []
      const key = (step: number) => {
        issued.push(step)
        return step % 3 === 1 ? 'short' : 'long'
      }
      const failed = await trainUntilError({ ...more(), compile: { key } })
      expect(failed.error.message).toMatch(/step 4 of 12 gave NaN .* The parameters are those after step 3, the last good one/)
      expect(Math.max(...issued)).toBe(7)
      const stop = new AbortController()
      const checkpoint = { every: 4, save: () => stop.abort(new Error('enough')) }
      const whole = await trainUntilError({ ...more(), checkpoint, signal: stop.signal }, false)
      expect(whole.error.message).toBe('enough')
      expect(failed.values).toEqual(whole.values)
    },
  )

  test('a loss that is not finite names the step', async () => {
    const parameters = { p: tidy(() => variable(tensor([1]))) }
    const before = memory().numTensors
    const training = train({
      parameters,
      steps: 5,
      batch: (step) => ({ x: tensor([step === 2 ? Number.NaN : 1]) }),
      loss: (_step, _part, { x }) => sum(mul(parameters.p, x)) as Scalar,
      optimizer: sgd(),
      learningRate: () => 0.1,
      compile: { key: () => '' },
    })
    await expect(training).rejects.toThrow(
      'train: the loss must stay finite; step 2 of 5 gave NaN at learning rate 0.1. The parameters are those after step 1, the last good one.',
    )
    expect((await parameters.p.data())[0]).toBeCloseTo(0.8, 6)
    expect(memory().numTensors).toBe(before)
    parameters.p.dispose()
  })
})
