import { add, keep, mul, scalar, type Tensor, tensor } from '@tensorflow/tfjs-core'
import { describe, expect, vi } from 'vitest'
import { compileStep } from '../index.js'
import { cleanTest, createVariable, describeOnWebGPU, read } from '../step.fixture.js'

await describeOnWebGPU('a step that cannot be recorded', () => {
  describe('what cannot be recorded runs plainly, and is said once', () => {
    let count = 0
    const cases: [string, RegExp, (x: Tensor) => Tensor][] = [
      ['numbers of the host', /^it does not do the same each time: values made on the host/, (x) => mul(x, scalar(count++))],
      [
        'reading values',
        /^it reads data from the GPU$/,
        (x) => {
          const y = add(x, 1)
          void y.data()
          return y
        },
      ],
    ]
    for (const [name, reason, work] of cases) {
      cleanTest(name, async () => {
        const reasons: string[] = []
        const step = compileStep(work, { onFallback: (why) => reasons.push(why) })
        const x = tensor([1, 2])
        for (let i = 0; i < 3; i++) expect((await step.run(x).data()).length).toBe(2)
        expect(reasons).toEqual([expect.stringMatching(reason)])
        expect(step.stats()).toMatchObject({ recordings: 0, replays: 0, plainRuns: 3 })
        step.dispose()
        x.dispose()
      })
    }

    cleanTest('warns on the console by default', async () => {
      const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
      let calls = 0
      const step = compileStep(() => ({ count: scalar(calls++) }))
      step.run(undefined)
      step.run(undefined)
      expect(warned.mock.calls).toEqual([
        [expect.stringContaining('the step runs without a recording, because it does not do the same each time')],
      ])
      warned.mockRestore()
      step.dispose()
    })

    cleanTest('plain runs of one key leave the recordings of others intact', async () => {
      const weight = createVariable([1])
      let noise = 0
      const step = compileStep(
        ({ x, noisy }: { x: Tensor; noisy: boolean }) => {
          weight.assign(add(weight, noisy ? mul(x, scalar(++noise)) : x))
          return { weight }
        },
        { onFallback: () => {} },
      )
      const x = tensor([10])
      step.run({ x, noisy: false })
      noise = 0
      step.run({ x, noisy: true }) // called twice in vain, then plainly: x times 3
      step.run({ x, noisy: false })
      expect(await read(step.run({ x, noisy: true }).weight, weight)).toEqual([[91], [91]])
      expect(step.stats()).toMatchObject({ recordings: 1, replays: 2, plainRuns: 2 })
      step.dispose()
      x.dispose()
      weight.dispose()
    })
  })

  cleanTest('a first run that fills a cache is executed once for it; the second is recorded', async () => {
    let cache: Tensor | undefined
    const reasons: string[] = []
    const step = compileStep(
      (x: Tensor) => {
        cache ??= keep(mul(x, 5))
        return add(cache, x)
      },
      { onFallback: (why) => reasons.push(why) },
    )
    const x = tensor([1, 2])
    const results: number[][] = []
    for (let i = 0; i < 3; i++) results.push(...(await read(step.run(x))))
    expect(results).toEqual([
      [6, 12],
      [6, 12],
      [6, 12],
    ])
    expect(await read(cache!)).toEqual([[5, 10]])
    expect(reasons).toEqual([])
    expect(step.stats()).toMatchObject({ recordings: 1, replays: 3, plainRuns: 0 })
    step.dispose()
    cache!.dispose()
    x.dispose()
  })

  cleanTest('a step that always keeps tensors runs plainly from its second run', async () => {
    const kept: Tensor[] = []
    const reasons: string[] = []
    const step = compileStep(
      (x: Tensor) => {
        kept.push(keep(mul(x, 5)))
        return add(x, 1)
      },
      { onFallback: (why) => reasons.push(why) },
    )
    const x = tensor([1, 2])
    for (let i = 0; i < 4; i++) expect(await read(step.run(x))).toEqual([[2, 3]])
    expect(await read(...kept)).toEqual(Array(4).fill([5, 10]))
    expect(reasons).toEqual(['it keeps tensors that it made'])
    step.dispose()
    for (const each of [...kept, x]) each.dispose()
  })

  cleanTest('an error of the function is its own, and leaves variables as they were', async () => {
    const weight = createVariable([1, 2])
    const step = compileStep((x: Tensor) => {
      weight.assign(add(weight, x))
      throw new Error('no such path')
    })
    const x = tensor([1, 1])
    expect(() => step.run(x)).toThrow('no such path')
    const next = add(weight, x)
    expect(await read(weight, next)).toEqual([
      [1, 2],
      [2, 3],
    ])
    next.dispose()
    step.dispose()
    weight.dispose()
    x.dispose()
  })

  cleanTest('a variable that moved or went is an error that names it', async () => {
    const weight = createVariable([1, 2], [2], 'the weight')
    const step = compileStep((x: Tensor) => mul(weight, x))
    const x = tensor([1, 1])
    step.run(x)
    const other = tensor([5, 6])
    weight.assign(other)
    other.dispose()
    expect(() => step.run(x)).toThrow("the variable 'the weight' was assigned a value outside of the step")
    step.dispose()
    expect(await read(step.run(x))).toEqual([[5, 6]])
    weight.dispose()
    expect(() => step.run(x)).toThrow("the variable 'the weight' was disposed")
    step.dispose()
    x.dispose()
  })
})
