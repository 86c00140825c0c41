import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import {
  add,
  clone,
  dispose,
  engine,
  keep,
  matMul,
  mean,
  mul,
  randomNormal,
  scalar,
  sub,
  type Tensor,
  type Tensor2D,
  tensor,
  tensor2d,
  unique,
  variable,
} from '@tensorflow/tfjs-core'
import { describe, expect, test, vi } from 'vitest'
import { compileStep } from '../index.js'
import { patch } from '../patch.js'
import { cleanTest, createVariable, describeOn, plainTest, read, values } from '../step.fixture.js'
import type { Binding, TensorFlowBackend } from './backend.js'

/** Notes which graphs are loaded and freed. @param members instead of the addon's */
function watchGraphs(members: Partial<Binding> = {}) {
  const backend = engine().backend as TensorFlowBackend
  const { binding } = backend
  const loaded: number[] = []
  const freed: number[] = []
  const watched: Partial<Binding> = {
    loadSavedModel(folder, tags) {
      const model = binding.loadSavedModel(folder, tags)
      loaded.push(model)
      return model
    },
    deleteSavedModel(model) {
      binding.deleteSavedModel(model)
      freed.push(model)
    },
    ...members,
  }
  // The addon's own members cannot be assigned to.
  const restore = patch(backend, { binding: Object.create(binding, Object.getOwnPropertyDescriptors(watched)) })
  return { loaded, freed, restore }
}

await describeOn('tensorflow', 'steps as graphs of TensorFlow', () => {
  describe('what cannot be recorded runs plainly, and is said once', () => {
    let count = 0
    const cases: [string, RegExp, (x: Tensor) => Tensor][] = [
      ['numbers of the host', /^it does not do the same each time: values made on the host/, (x) => mul(x, scalar(count++))],
      ['random numbers', /^it does not do the same each time: values made on the host/, (x) => add(x, randomNormal([2]))],
      [
        'reading values',
        /^it reads values$/,
        (x) => {
          const y = add(x, 1)
          y.dataSync()
          return y
        },
      ],
      [
        'reading values later',
        /^it reads values$/,
        (x) => {
          void x.data()
          return add(x, 1)
        },
      ],
      ['shapes that depend on values', /^it uses the native operation UniqueV2, whose shape depends on values$/, (x) => unique(x).values],
      ['keeping tensors', /^it keeps tensors that it made$/, (x) => add(kept(x), 1)],
    ]
    const made: Tensor[] = []
    const kept = (x: Tensor) => {
      const y = keep(add(x, 1))
      made.push(y)
      return y
    }
    for (const each of cases) plainTest(...each, () => dispose(made.splice(0)))

    cleanTest('variables are as after one run', async () => {
      const total = createVariable([1])
      const step = compileStep(
        (x: Tensor) => {
          total.assign(add(total, mul(x, scalar(++count))))
          return {}
        },
        { onFallback: () => {} },
      )
      const x = tensor([10])
      count = 0
      step.run(x) // called twice, the second time stays
      step.run(x)
      expect(await read(total)).toEqual([[51]])
      step.dispose()
      dispose([x, total])
    })
  })

  cleanTest('variables are read as they are when it runs, whoever has assigned to them', async () => {
    const weight = createVariable([1, 2])
    const start = clone(weight)
    const step = compileStep((x: Tensor) => ({ y: mul(weight, x), away: sub(weight, start) }))
    const x = tensor([10])
    for (let i = 0; i < 3; i++) {
      const { y, away } = step.run(x)
      expect(await read(y, away)).toEqual([
        [10 * (1 + i), 20 + 10 * i],
        [i, i],
      ])
      const next = add(weight, 1)
      weight.assign(next)
      next.dispose()
    }
    expect(step.stats()).toMatchObject({ recordings: 1, replays: 3, captures: 2 })
    step.dispose()
    dispose([x, weight, start])
  })

  cleanTest('variables with the same data become independent of each other', async () => {
    const values = tensor([1, 2])
    const [a, b] = [variable(values), variable(values)]
    const step = compileStep(() => {
      a.assign(add(a, b))
      return {}
    })
    for (let i = 0; i < 3; i++) step.run(undefined)
    expect(await read(a, b, values)).toEqual([
      [4, 8],
      [1, 2],
      [1, 2],
    ])
    step.dispose()
    dispose([values, a, b])
  })

  cleanTest('outputs and variables that are inputs, constants, or one another', async () => {
    const state = createVariable([0])
    const step = compileStep((x: Tensor) => {
      const twice = mul(x, 2)
      state.assign(x)
      return { x, again: twice, twice, five: tensor([5]) }
    })
    const x = tensor([7])
    for (let i = 0; i < 2; i++) {
      const { again, twice, five, ...rest } = step.run(x)
      expect(await read(rest.x, again, twice, five, state)).toEqual([[7], [14], [14], [5], [7]])
    }
    expect(step.stats()).toMatchObject({ recordings: 1, replays: 2 })
    step.dispose()
    dispose([x, state])
  })

  cleanTest('a step that fills a cache with what it computes is recorded in the next run', async () => {
    let cache: Tensor | undefined
    const step = compileStep((x: Tensor) => {
      cache ??= keep(mul(tensor([2, 3]), 10))
      return add(x, cache)
    })
    const x = tensor([1, 1])
    for (let i = 0; i < 3; i++) expect(await read(step.run(x))).toEqual([[21, 31]])
    expect(step.stats()).toMatchObject({ recordings: 1, replays: 2, plainRuns: 1 })
    step.dispose()
    dispose([x, cache!])
  })

  cleanTest('the recordings used least recently make room for new ones', async () => {
    const run = vi.fn(({ x, times }: { x: Tensor; times: number }) => mul(x, times))
    const step = compileStep(run, { maxRecordings: 2 })
    const x = tensor([1, 2])
    const calls: number[] = []
    for (const times of [1, 2, 1, 3, 1, 2]) {
      expect(await read(step.run({ x, times }))).toEqual([[times, 2 * times]])
      calls.push(run.mock.calls.length)
    }
    expect(calls).toEqual([2, 4, 4, 6, 6, 8])
    step.dispose()
    x.dispose()
  })

  cleanTest('a disposed variable and an error of the function are told, and variables stay as they were', async () => {
    const weight = createVariable(values(4), [2, 2])
    const large = tensor2d(values(5000), [2, 2500])
    const step = compileStep(({ fail }: { fail: boolean }) => {
      if (fail) throw new Error('no')
      return { y: mean(matMul(weight as Tensor2D, large)) }
    })
    expect(() => step.run({ fail: true })).toThrow('no')
    step.run({ fail: false })
    large.dispose()
    expect(() => step.run({ fail: false })).toThrow('a tensor from outside that the step uses was disposed since the step was recorded')
    weight.dispose()
    expect(() => step.run({ fail: false })).toThrow(`the variable '${weight.name}' was disposed since the step was recorded`)
    step.dispose()
  })

  cleanTest('where TensorFlow fails to run a graph that it has loaded, the graph is freed and the step runs plainly', async () => {
    const { loaded, freed, restore } = watchGraphs({
      runSavedModel() {
        throw new Error('No kernel for Mul\nin a graph')
      },
    })
    const reasons: string[] = []
    const step = compileStep((x: Tensor) => mul(x, 2), { onFallback: (reason) => reasons.push(reason) })
    const x = tensor([1, 2])
    try {
      for (let i = 0; i < 2; i++) expect(await read(step.run(x))).toEqual([[2, 4]])
      expect(reasons).toEqual(['TensorFlow does not run it as a graph: No kernel for Mul'])
      expect(freed).toEqual(loaded)
      expect(loaded).toHaveLength(1)
    } finally {
      restore()
    }
    step.dispose()
    x.dispose()
  })

  cleanTest("an error that is not TensorFlow's in the first run is told as it is, and the graph is freed", async () => {
    const { loaded, freed, restore } = watchGraphs()
    const onFallback = vi.fn()
    const large = tensor(values(5000))
    let calls = 0
    const step = compileStep(
      (x: Tensor) => {
        const y = mul(large, x)
        if (++calls === 2) large.dispose()
        return y
      },
      { onFallback },
    )
    const x = tensor([2])
    try {
      expect(() => step.run(x)).toThrow('a tensor from outside that the step uses was disposed since the step was recorded')
      expect(onFallback).not.toHaveBeenCalled()
      expect(loaded).toHaveLength(1)
      expect(freed).toEqual(loaded)
    } finally {
      restore()
    }
    step.dispose()
    x.dispose()
  })

  test('no file stays', () => {
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('learngene-step-'))).toEqual([])
  })
})
