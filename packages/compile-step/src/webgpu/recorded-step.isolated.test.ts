import {
  add,
  asinh,
  atan,
  atan2,
  dispose,
  elu,
  keep,
  mul,
  reshape,
  scalar,
  setBackend,
  type Tensor,
  tan,
  tensor,
} from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { describe, expect, vi } from 'vitest'
import { compileStep, runOnce } from '../index.js'
import { createReadings } from '../readings.js'
import { NO_STATS } from '../stats.js'
import { cleanTest, createVariable, describeOnWebGPU, plainTest, read, webgpu } from '../step.fixture.js'
import { openEncoder } from './backend.js'

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
    for (const each of cases) plainTest(...each)

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
    expect(step.stats().recordings).toBe(2)
    expect(() => compileStep(run, { maxRecordings: 0 })).toThrow('compileStep: maxRecordings must be an integer of at least 1; got 0')
    step.dispose()
    x.dispose()
  })

  cleanTest('prepared steps compile nothing while they run, and tell how far they are', async () => {
    const { device } = webgpu()
    const [waiting, ahead] = [vi.spyOn(device, 'createComputePipeline'), vi.spyOn(device, 'createComputePipelineAsync')]
    const weight = createVariable([3])
    const run = vi.fn((x: Tensor) => {
      weight.assign(mul(weight, 2))
      return add(atan2(elu(x), weight), asinh(x))
    })
    const step = compileStep(run)
    const x = tensor([0.5, -1])
    const progress: [number, number][] = []
    await step.prepare(x, '', (done, total) => progress.push([done, total]))
    expect(await read(weight)).toEqual([[3]])
    const programs = ahead.mock.calls.length
    expect(programs).toBeGreaterThanOrEqual(3)
    expect(progress).toEqual(Array.from({ length: programs }, (_, i) => [i + 1, programs]))
    const values = (await read(step.run(x)))[0]!
    for (const [i, each] of [0.5, -1].entries()) {
      expect(values[i]).toBeCloseTo(Math.atan2(each > 0 ? each : Math.expm1(each), 6) + Math.asinh(each), 5)
    }
    await step.prepare(x)
    step.run(x)
    expect(run).toHaveBeenCalledTimes(2)
    expect(waiting).not.toHaveBeenCalled()
    expect(ahead).toHaveBeenCalledTimes(programs)
    expect(await read(weight)).toEqual([[12]])
    const again = asinh(x)
    expect(await read(again)).toEqual([
      [Math.fround(Math.asinh(0.5)), Math.fround(Math.asinh(-1))].map((value) => expect.closeTo(value, 6)),
    ])
    again.dispose()
    expect(waiting).not.toHaveBeenCalled() // the backend has the programs as well
    for (const spy of [waiting, ahead]) spy.mockRestore()
    step.dispose()
    x.dispose()
    weight.dispose()
  })

  cleanTest('a replay gives the GPU its first commands while the others are encoded', async () => {
    const step = compileStep((x: Tensor) => {
      let sum = x
      for (let i = 0; i < 20; i++) sum = add(sum, x)
      return sum
    })
    const x = tensor([1, 2])
    step.run(x)
    const portions: number[] = []
    let encoded = 0
    const dispatch = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups').mockImplementation(function (
      this: GPUComputePassEncoder,
    ) {
      encoded++
    })
    const submit = vi.spyOn(webgpu().device.queue, 'submit').mockImplementation((buffers) => {
      portions.push(encoded)
      encoded = 0
      return Object.getPrototypeOf(webgpu().device.queue).submit.call(webgpu().device.queue, buffers)
    })
    step.run(x)
    dispatch.mockRestore()
    submit.mockRestore()
    expect(portions).toEqual([4, 12, 4])
    expect(await read(step.run(x))).toEqual([[21, 42]])
    step.dispose()
    x.dispose()
  })

  cleanTest('what runs once compiles nothing while it runs, fills caches, and reads values where it runs plainly', async () => {
    const { device } = webgpu()
    const [waiting, ahead] = [vi.spyOn(device, 'createComputePipeline'), vi.spyOn(device, 'createComputePipelineAsync')]
    let cache: Tensor | undefined
    const run = vi.fn((x: Tensor) => {
      cache ??= keep(tan(x))
      return atan(add(cache, x))
    })
    const x = tensor([0.5, -1])
    const expected = [0.5, -1].map((each) => expect.closeTo(Math.atan(Math.tan(each) + each), 5))
    for (let i = 0; i < 2; i++) {
      const y = await runOnce(run, x)
      expect(await read(y)).toEqual([expected])
      y.dispose()
    }
    expect(run).toHaveBeenCalledTimes(2)
    expect(waiting).not.toHaveBeenCalled()
    expect(ahead.mock.calls.length).toBeGreaterThanOrEqual(2)
    for (const spy of [waiting, ahead]) spy.mockRestore()
    const reading = (x: Tensor) => {
      const y = mul(x, 3)
      void y.data()
      return y
    }
    const y = await runOnce(reading, x)
    expect(await read(y)).toEqual([[1.5, -3]])
    for (const each of [x, y, cache!]) each.dispose()
  })

  cleanTest('a prepared step that fills a cache, and one that is given up', async () => {
    let cache: Tensor | undefined
    const step = compileStep((x: Tensor) => {
      cache ??= keep(mul(x, 5))
      return add(cache, x)
    })
    const x = tensor([1, 2])
    await step.prepare(x)
    for (let i = 0; i < 3; i++) expect(await read(step.run(x))).toEqual([[6, 12]])
    await step.prepare(x, 'other')
    step.dispose()
    cache!.dispose()
    x.dispose()
  })

  cleanTest('values are read later than the tensors live, through buffers that are used again', async () => {
    const readings = createReadings(3)
    const step = compileStep((x: Tensor) => mul(x, 2))
    const found: Promise<Float32Array>[] = []
    for (let i = 0; i < 6; i++) {
      const x = tensor([i, i + 0.5])
      found.push(readings.read(step.run(x)))
      x.dispose()
      if (i >= 2) await found[i - 2]
    }
    expect((await Promise.all(found)).map((values) => [...values])).toEqual([0, 1, 2, 3, 4, 5].map((i) => [2 * i, 2 * i + 1]))
    expect(readings.buffers).toBe(3)
    expect(step.stats().newBuffers).toBe(0)
    const x = tensor([1])
    expect(await readings.read(x)).toEqual(Float32Array.of(1))
    readings.dispose()
    step.dispose()
    x.dispose()
  })

  cleanTest('a reading of what the device dropped is its error, not zeros, and so are all others under way', async () => {
    const { device } = webgpu()
    const readings = createReadings(2)
    const x = tensor([1, 2])
    const doubled = mul(x, 2)
    expect(await readings.read(doubled)).toEqual(Float32Array.of(2, 4))
    const invalid = device.createBuffer({ size: 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE })
    await expect(readings.read(doubled)).rejects.toThrow('a WebGPU command failed')
    const drop = () => openEncoder(webgpu()).copyBufferToBuffer(webgpu().tensorMap.get(doubled.dataId).resource!, 0, invalid, 0, 8)
    drop()
    const found = await Promise.allSettled([readings.read(doubled), readings.read(doubled)])
    for (const { status, reason } of found as PromiseRejectedResult[]) {
      expect(status).toBe('rejected')
      expect(reason.message).toMatch(/^a WebGPU command failed/)
    }
    expect(await readings.read(doubled)).toEqual(Float32Array.of(2, 4))
    drop()
    await readings.drain()
    expect(await readings.read(doubled)).toEqual(Float32Array.of(2, 4))
    readings.dispose()
    dispose([x, doubled])
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

  cleanTest('on another backend its statistics are others, and disposing it frees what it has on the first', async () => {
    const step = compileStep(({ times }: { times: number }) => mul(tensor([1, 2]), times))
    try {
      const first = step.run({ times: 2 })
      const shared = reshape(first, [2, 1])
      expect(step.stats()).toMatchObject({ recordings: 1, replays: 1, plainRuns: 0 })
      await setBackend('cpu')
      expect(step.stats()).toEqual(NO_STATS)
      for (let i = 0; i < 2; i++) expect(await read(step.run({ times: 3 }))).toEqual([[3, 6]])
      expect(first.isDisposed).toBe(true)
      expect(step.stats()).toEqual({ ...NO_STATS, plainRuns: 2 })
      await setBackend('webgpu')
      expect(await read(step.run({ times: 2 }), shared)).toEqual([
        [2, 4],
        [2, 4],
      ])
      expect(step.stats()).toMatchObject({ recordings: 1, captures: 2, replays: 2, plainRuns: 2 })
      shared.dispose()
      await setBackend('cpu')
      expect(await read(step.run({ times: 3 }))).toEqual([[3, 6]])
      const destroyed = vi.spyOn(GPUBuffer.prototype, 'destroy')
      step.dispose()
      expect(destroyed.mock.contexts.length).toBeGreaterThan(0)
      destroyed.mockRestore()
    } finally {
      await setBackend('webgpu')
    }
    expect(step.stats()).toMatchObject({ recordings: 0, bytes: 0 })
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
