import { describeEachBackend } from '@learngene/testing'
import {
  add,
  cast,
  clone,
  dispose,
  matMul,
  mean,
  mul,
  oneHot,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor,
  tensor2d,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { compileStep, runOnce } from './index.js'
import type { StepStats } from './stats.js'
import { cleanTest, createModel, createVariable, read, values, webgpu } from './step.fixture.js'

/** One step of gradient descent. */
function descend({ weight, bias }: { weight: Variable; bias: Variable }, { x, y, rate }: Inputs): { loss: Tensor } {
  const error = sub(add(matMul(x, weight as Tensor2D), bias), y) as Tensor2D
  weight.assign(sub(weight, mul(matMul(x, error, true), rate)))
  bias.assign(sub(bias, mul(sum(error, 0), rate)))
  return { loss: mean(square(error)) }
}

type Inputs = { readonly x: Tensor2D; readonly y: Tensor2D; readonly rate: Tensor }

describeEachBackend(({ name }) => {
  /** What a step has done, on backends that record. */
  const expectStats = (step: { stats(): StepStats }, expected: Partial<StepStats>, webgpu: Partial<StepStats> = {}) => {
    if (name === 'webgpu') expect(step.stats()).toMatchObject({ ...expected, ...webgpu })
    else if (name === 'tensorflow') expect(step.stats()).toMatchObject(expected)
    else expect(step.stats()).toMatchObject({ recordings: 0, replays: 0, bytes: 0 })
  }

  cleanTest('an integer tensor that was cast in name only is read as the floats that it stands for', async () => {
    const step = compileStep(({ x }: { x: Tensor }) => ({ twice: mul(x, 2) }))
    for (const rows of [3, 300]) {
      const hot = tidy(() =>
        cast(
          oneHot(
            tensor(
              Array.from({ length: rows }, (_, i) => i % 3),
              [rows],
              'int32',
            ),
            3,
          ),
          'float32',
        ),
      )
      const { twice } = step.run({ x: hot }, `${rows}`)
      const found = await twice.data()
      expect(Array.from(found)).toEqual(Array.from(await hot.data(), (value) => 2 * value))
      dispose([hot, twice])
    }
    step.dispose()
  })

  cleanTest('replays give the bits of plain steps, with new inputs and rates, batches of two sizes in turns', async () => {
    const [plain, compiled] = [createModel(), createModel()]
    const step = compileStep((inputs: Inputs) => descend(compiled, inputs))
    for (let i = 0; i < 7; i++) {
      const n = i % 3 === 2 ? 4 : 6
      const inputs = { x: tensor2d(values(8 * n, i), [n, 8]), y: tensor2d(values(4 * n, i + 50), [n, 4]), rate: tensor([0.1 / (i + 1)]) }
      if (name === 'webgpu' && i % 2 === 1) for (const { dataId } of Object.values(inputs)) webgpu().uploadToGPU(dataId)
      const expected = tidy(() => descend(plain, inputs))
      const { loss } = step.run(inputs)
      expect(await read(loss, compiled.weight, compiled.bias)).toEqual(await read(expected.loss, plain.weight, plain.bias))
      dispose([expected, inputs])
    }
    expectStats(step, { recordings: 2, captures: 4, replays: 7, plainRuns: 0, newBuffers: 0 })
    step.dispose()
    dispose([plain, compiled])
  })

  cleanTest('the key tells computations apart that inputs do not', async () => {
    const factors = { a: 2, b: 3 }
    let key: 'a' | 'b' = 'a'
    const step = compileStep((x: Tensor) => sum(mul(x, factors[key])))
    const x = tensor([1, 2, 3, 4])
    for (key of ['a', 'b', 'a', 'b'] as const) {
      expect(await read(step.run(x, key))).toEqual([[10 * factors[key]]])
    }
    expectStats(step, { recordings: 2, captures: 4, replays: 4 })
    step.dispose()
    x.dispose()
  })

  cleanTest('integer inputs, plain values among the inputs, nested outputs, inputs that are outputs', async () => {
    const step = compileStep(({ labels, classes, scale }: { labels: Tensor; classes: number; scale: Tensor[] }) => {
      const targets = oneHot(labels as Tensor1D, classes)
      return { labels, nested: [{ targets: mul(cast(targets, 'float32'), scale[0]!) }], classes }
    })
    const labels = tensor([2, 0, 1], [3], 'int32')
    const scale = tensor([3])
    const first = step.run({ labels, classes: 3, scale: [scale] })
    expect(first.classes).toBe(3)
    expect(first.labels.dtype).toBe('int32')
    expect(await read(first.labels, first.nested[0]!.targets)).toEqual([
      [2, 0, 1],
      [0, 0, 3, 3, 0, 0, 0, 3, 0],
    ])
    expect(await read(step.run({ labels, classes: 4, scale: [scale] }).nested[0]!.targets)).toEqual([[0, 0, 3, 0, 3, 0, 0, 0, 0, 3, 0, 0]])
    expectStats(step, { recordings: 2 })
    const again = compileStep((x: Tensor) => mul(x, 2))
    let x = again.run(scale)
    for (let i = 0; i < 3; i++) x = again.run(x)
    expect(await read(x)).toEqual([[48]])
    again.dispose()
    step.dispose()
    labels.dispose()
    scale.dispose()
  })

  cleanTest('outputs are valid until the next run, but for what shares them, and never stale', async () => {
    const state = createVariable([1, 2, 3, 4])
    const step = compileStep((x: Tensor) => {
      state.assign(add(state, x))
      return mul(state, 10)
    })
    const x = tensor([1, 1, 1, 1])
    const first = step.run(x)
    const pending = [first.data(), state.data()]
    const shared = reshape(first, [2, 2])
    const second = step.run(x)
    expectStats(step, { captures: 2 }, { newBuffers: 1 })
    expect(first.isDisposed).toBe(true)
    expect((await Promise.all(pending)).map((each) => [...each])).toEqual([
      [20, 30, 40, 50],
      [2, 3, 4, 5],
    ])
    expect(await read(shared, second, state)).toEqual([
      [20, 30, 40, 50],
      [30, 40, 50, 60],
      [3, 4, 5, 6],
    ])
    step.dispose()
    expect(second.isDisposed).toBe(true)
    expect(await read(shared)).toEqual([[20, 30, 40, 50]])
    for (const each of [shared, x, state]) each.dispose()
  })

  cleanTest('variables that take values from each other', async () => {
    const [a, b] = [createVariable([1, 2]), createVariable([3, 4])]
    const step = compileStep(() => {
      const [before, other] = [clone(a), clone(b)]
      a.assign(other)
      b.assign(before)
      return {}
    })
    for (let i = 0; i < 3; i++) step.run(undefined)
    expect(await read(a, b)).toEqual([
      [3, 4],
      [1, 2],
    ])
    step.dispose()
    a.dispose()
    b.dispose()
  })

  cleanTest('a compiled step inside a compiled step is part of it', async () => {
    const inner = compileStep((x: Tensor) => mul(x, 2))
    const outer = compileStep((x: Tensor) => add(inner.run(x), 1))
    const x = tensor([1, 2])
    for (let i = 0; i < 2; i++) expect(await read(outer.run(x))).toEqual([[3, 5]])
    expectStats(outer, { replays: 2 })
    expectStats(inner, { replays: 0 })
    inner.dispose()
    outer.dispose()
    x.dispose()
  })

  cleanTest('what runs once is called once, and its outputs are the caller’s', async () => {
    const weight = createVariable([3, 4])
    let calls = 0
    const work = ({ x, times }: { x: Tensor; times: number }) => {
      calls++
      weight.assign(add(weight, x))
      return { x, list: [mul(weight, times)], times }
    }
    const x = tensor([1, 2])
    const first = await runOnce(work, { x, times: 10 })
    const second = await runOnce(work, { x, times: 100 })
    expect(calls).toBe(2)
    expect(first.times).toBe(10)
    expect(await read(first.x, first.list[0]!, second.list[0]!, weight)).toEqual([
      [1, 2],
      [40, 60],
      [500, 800],
      [5, 8],
    ])
    dispose([first, second])
    expect(await read(x)).toEqual([[1, 2]])
    await expect(runOnce(async () => x, undefined)).rejects.toThrow('the function must be synchronous')
    await expect(runOnce(() => x, { list: [new Float32Array(2)] })).rejects.toThrow("'inputs.list.0' is a Float32Array")
    dispose([x, weight])
  })

  cleanTest('an asynchronous function is refused', async () => {
    const step = compileStep(async (x: Tensor) => add(x, 1))
    const x = tensor([1])
    expect(() => step.run(x)).toThrow('the function must be synchronous')
    const y = add(x, 1)
    expect(await read(y)).toEqual([[2]])
    y.dispose()
    x.dispose()
  })

  cleanTest('inputs that cannot be compared are refused', async () => {
    const step = compileStep((inputs: unknown) => inputs)
    expect(() => step.run({ list: [new Float32Array(2)] })).toThrow("'inputs.list.0' is a Float32Array. Make a tensor of it")
    expect(() => step.run(() => 1)).toThrow("'inputs' is a function")
    expect(() => compileStep(() => 0, { memoryLimit: 0 })).toThrow('memoryLimit must be a positive number of bytes; got 0')
  })
})
