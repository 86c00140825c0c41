import { expectClose, randomTensors, TOLERANCES, valuesOf } from '@learngene/testing'
import { dispose, engine, grads, memory, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { linear } from '../../linear.js'
import { mlp } from '../../mlp.js'
import { setPrecision } from '../../precision.js'
import { describeWebGPU } from '../../testing/compare-modes.js'
import type { WebGPUBackend } from '../backend.js'
import { newTensor } from '../dispatch.js'
import { assumeUnit, roundingMatrices } from '../linear/matrix-unit.js'
import { mixedTiles } from '../linear/mixed-product.js'
import { multiply, multiplyAndSum } from '../linear/multiply.js'
import { assumeDevice, type ProductShape, planDevice, planProduct, setTunedPlans, shapeKey, tunedPlansOf } from '../linear/planning.js'
import { FLOAT_TILES, plansOf } from '../linear/tile.js'
import type { MeasuredPlan } from './table.js'
import { createTimer, hostTimer } from './timer.js'
import { productsOf, repeatsAfter, tune } from './tune.js'

const backend = () => engine().backend as WebGPUBackend

const weightGradient: ProductShape = { left: 'outer', right: 'outer', rows: 37, columns: 29, depth: 151, divisible: true, halves: [] }
const forward: ProductShape = { left: 'depth', right: 'depth', rows: 131, columns: 70, depth: 33, divisible: false, halves: [] }

describeWebGPU(() => {
  const { beginComputePass: beginPass } = GPUCommandEncoder.prototype
  const { dispatchWorkgroups } = GPUComputePassEncoder.prototype
  afterEach(() => setTunedPlans(backend(), {}))

  const step = () => {
    const random = randomTensors(1)
    const inputs = [random<Tensor2D>([37, 20]), random<Tensor2D>([24, 20]), random<Tensor1D>([24])] as const
    tidy(() => void grads((x, w, b) => linear(x!, w as Tensor2D, b as Tensor1D))([...inputs], random([37, 24])))
    dispose([...inputs])
  }

  test('finds the products of a step: forward, weight gradient, input gradient', () => {
    expect(productsOf(step)).toEqual([
      { shape: { left: 'depth', right: 'depth', rows: 37, columns: 24, depth: 20, divisible: false, halves: [] }, count: 1 },
      { shape: { left: 'outer', right: 'outer', rows: 24, columns: 20, depth: 37, divisible: true, halves: [] }, count: 1 },
      { shape: { left: 'depth', right: 'outer', rows: 37, columns: 20, depth: 24, divisible: false, halves: [] }, count: 1 },
    ])
  })

  test('counts what several steps have in common, each as many times as it is said to run', () => {
    const shapes = productsOf([
      { step, times: 3 },
      {
        step() {
          step()
          run(forward)
        },
        times: 0.5,
      },
    ])
    expect(shapes.map(({ count }) => count)).toEqual([3.5, 3.5, 3.5, 0.5])
    expect(() => productsOf([{ step, times: 0 }])).toThrow('times of a step must be a number above 0; got 0')
    expect(productsOf(step)).toHaveLength(3)
  })

  test('measures them in bounded time, leaves nothing behind, and its plans are used', async () => {
    const shapes = productsOf(step).slice(0, 1)
    const before = memory()
    const compile = vi.spyOn(backend().device, 'createComputePipeline')
    const table = await tune(shapes, { seconds: 60 })
    // All at the same time, by the asynchronous call: none waits for the one before.
    expect(compile.mock.calls.filter(([{ label }]) => label?.includes('product'))).toEqual([])
    compile.mockRestore()
    expect(memory()).toMatchObject({ numTensors: before.numTensors, numDataBuffers: before.numDataBuffers })
    const [[key, plan]] = Object.entries(table.plans) as [[string, (typeof table.plans)[string]]]
    expect(key).toBe('f32 depth depth 37x24x20')
    expect(plan.ms).toBeGreaterThan(0)
    expect(plan.ms).toBeLessThanOrEqual(plan.untunedMs)
    const { tile, parts } = planProduct(backend(), FLOAT_TILES, shapes[0]!.shape)
    expect({ rows: tile.rows, columns: tile.columns, parts }).toEqual({ rows: plan.rows, columns: plan.columns, parts: plan.parts })
    expect(table.adapter.vendor).not.toBe('')
  })

  test('a plan of a table is what products are dispatched by, unless the limits of the device forbid it', () => {
    const key = shapeKey('f32', weightGradient)
    const dispatched = () => {
      const spy = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups')
      try {
        run(weightGradient)
        return spy.mock.calls
      } finally {
        spy.mockRestore()
      }
    }
    setTunedPlans(backend(), { [key]: { rows: 32, columns: 32, parts: 3 } })
    expect(dispatched()[0]).toEqual([1, 2, 3])
    setTunedPlans(backend(), { [key]: { rows: 64, columns: 64, parts: 1 } })
    expect(dispatched()).toEqual([[1, 1, 1]])
    setTunedPlans(backend(), {})
    const untuned = planProduct(backend(), FLOAT_TILES, weightGradient)
    for (const impossible of [
      { rows: 96, columns: 96, parts: 1 },
      { rows: 4096, columns: 4096, parts: 1 },
    ]) {
      setTunedPlans(backend(), { [key]: impossible })
      expect(planProduct(backend(), FLOAT_TILES, weightGradient)).toEqual(untuned)
    }
    // Of a forward product the depth is never cut.
    setTunedPlans(backend(), { [shapeKey('f32', forward)]: { rows: 32, columns: 32, parts: 2 } })
    expect(planProduct(backend(), FLOAT_TILES, forward).parts).toBe(1)
  })

  /** The product of drawn matrices, and what it must be. */
  function run({ rows, columns, depth, divisible }: ProductShape) {
    const random = randomTensors(3)
    const [result, sums] = [newTensor(backend(), [rows, columns]), newTensor(backend(), [rows])]
    const [a, b] = divisible ? [random([depth, rows]), random([depth, columns])] : [random([rows, depth]), random([columns, depth])]
    if (divisible) multiplyAndSum(backend(), { matrix: a, depth: 'rows' }, { matrix: b, depth: 'rows' }, result, sums)
    else multiply(backend(), { matrix: a, depth: 'columns' }, { matrix: b, depth: 'columns' }, result)
    return { a, b, result: engine().makeTensorFromTensorInfo(result) }
  }

  test.each([weightGradient, forward])(
    'every plan that tuning tries is exact for odd sizes: $rows x $columns, depth $depth',
    async (shape) => {
      const { rows, columns, depth, divisible } = shape
      const plans = plansOf(FLOAT_TILES, shape, {
        ...planDevice(backend()),
        model: { processors: 3, rate: 1e9, bytesPerSecond: 1e9, registers: 65_536, accumulators: 128, launch: 1e-5 },
      })
      expect(new Set(plans.map(({ tile }) => tile)).size).toBeGreaterThanOrEqual(5)
      expect(plans.some(({ parts }) => parts > 1)).toBe(divisible)
      for (const { tile, parts } of plans) {
        setTunedPlans(backend(), { [shapeKey('f32', shape)]: { rows: tile.rows, columns: tile.columns, parts } })
        const { a, b, result } = run(shape)
        const [left, right] = [await valuesOf(a), await valuesOf(b)]
        const at = (values: ArrayLike<number>, outer: number, count: number, k: number) =>
          values[divisible ? k * count + outer : outer * depth + k]!
        const expected = Float64Array.from({ length: rows * columns }, (_, i) => {
          const [r, c] = [Math.floor(i / columns), i % columns]
          let sum = 0
          for (let k = 0; k < depth; k++) sum += at(left, r, rows, k) * at(right, c, columns, k)
          return sum
        })
        await expectClose(result, expected, TOLERANCES.webgpu.float64, `${tile.rows} x ${tile.columns} in ${parts} parts`)
        dispose([a, b, result])
      }
    },
  )

  test('plans follow the model of the device that is given', () => {
    const shape = { ...weightGradient, rows: 64, columns: 64, depth: 100_000 }
    const partsOn = (processors: number) => {
      assumeDevice(backend(), { processors })
      return planProduct(backend(), FLOAT_TILES, shape).parts
    }
    const before = planDevice(backend()).model.processors
    expect(partsOn(100)).toBeGreaterThan(partsOn(2))
    expect(() => assumeDevice(backend(), { processors: -1 })).toThrow('processors of a device model must be a number above 0; got -1')
    assumeDevice(backend(), { processors: before })
  })

  const passes = () => {
    const counts: number[] = []
    const begin = vi.spyOn(GPUCommandEncoder.prototype, 'beginComputePass').mockImplementation(function (this: GPUCommandEncoder, given) {
      counts.push(0)
      return beginPass.call(this, given)
    })
    const dispatched = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups').mockImplementation(function (
      this: GPUComputePassEncoder,
      ...sizes
    ) {
      counts[counts.length - 1]!++
      return dispatchWorkgroups.apply(this, sizes)
    })
    return {
      counts,
      restore() {
        begin.mockRestore()
        dispatched.mockRestore()
      },
    }
  }

  test('a device whose clock stands still is timed by the host, and no pass of it takes long', async () => {
    const still = vi.spyOn(GPUCommandEncoder.prototype, 'resolveQuerySet').mockImplementation(() => undefined)
    const watched = passes()
    try {
      const shape: ProductShape = { ...forward, rows: 256, columns: 256, depth: 64 }
      const { plans } = await tune([{ shape, count: 1 }], { seconds: 60 })
      const [{ ms }] = Object.values(plans) as [MeasuredPlan]
      // The least that a table says.
      expect(ms).toBeGreaterThan(1e-6)
      expect(Math.max(...watched.counts) * ms).toBeLessThan(300)
    } finally {
      watched.restore()
      still.mockRestore()
    }
  })

  test('what is short is repeated more by factors, until it is long enough', () => {
    const counts = [1]
    while (counts.length < 6) counts.push(repeatsAfter(counts.at(-1)!, 0, 5))
    expect(counts).toEqual([1, 8, 64, 500, 500, 500])
    expect([repeatsAfter(8, 1, 5), repeatsAfter(8, 4, 5), repeatsAfter(8, 5, 5), repeatsAfter(1, 700, 5)]).toEqual([40, 10, 8, 1])
  })

  test('a candidate that the driver cannot compile costs no other its measurement', async () => {
    const { device } = backend()
    for (const key of Object.keys(backend().pipelineCache)) delete backend().pipelineCache[key]
    const create = device.createComputePipelineAsync.bind(device)
    let refused: string | undefined
    const spy = vi.spyOn(device, 'createComputePipelineAsync').mockImplementation((descriptor) => {
      if (refused === undefined && descriptor.label?.includes('product') && ++asked > 1) refused = descriptor.label
      return descriptor.label === refused ? Promise.reject(new Error('the driver has no registers left')) : create(descriptor)
    })
    let asked = 0
    const late = vi.spyOn(device, 'createComputePipeline')
    try {
      const kept = vi.fn()
      const { plans } = await tune(
        [
          { shape: { ...forward, rows: 77 }, count: 2 },
          { shape: { ...forward, rows: 79 }, count: 1 },
        ],
        { seconds: 120, onPlan: kept },
      )
      expect(Object.keys(plans)).toEqual(['f32 depth depth 77x70x33', 'f32 depth depth 79x70x33'])
      expect(kept.mock.calls).toEqual(Object.entries(plans))
      expect(refused).toBeDefined()
      expect(late.mock.calls.map(([{ label }]) => label)).not.toContain(refused)
    } finally {
      spy.mockRestore()
      late.mockRestore()
    }
  })

  test('what was found before it was aborted is told, and in use', async () => {
    const controller = new AbortController()
    const shapes = [77, 79].map((rows, i) => ({ shape: { ...forward, rows }, count: 2 - i }))
    const onPlan = vi.fn(() => controller.abort(new Error('enough')))
    await expect(tune(shapes, { seconds: 120, signal: controller.signal, onPlan })).rejects.toThrow('enough')
    expect(onPlan).toHaveBeenCalledOnce()
    expect(tunedPlansOf(backend())).toEqual(Object.fromEntries(onPlan.mock.calls as unknown as [string, MeasuredPlan][]))
  })

  test('the time in which the shapes were found is none of measuring', async () => {
    const prepare = vi.spyOn(backend().device, 'createComputePipelineAsync')
    expect((await tune([{ shape: { ...forward, rows: 83 }, count: 1 }], { seconds: 6, spent: 6 })).plans).toEqual({})
    expect(prepare).not.toHaveBeenCalled()
    prepare.mockRestore()
  })

  test("the host's clock serves where the device has none", async () => {
    let time = 0
    const timer = hostTimer(backend(), () => (time += 7))
    expect(await timer.time(() => void run(weightGradient), 1)).toBe(7)
    expect(timer.clock).toBe('host')
  })

  test('what is timed is dispatched so many times in a row', async () => {
    const { a, b, result } = run(forward)
    const again = () => multiply(backend(), { matrix: a, depth: 'columns' }, { matrix: b, depth: 'columns' }, result)
    const spy = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups')
    const timer = createTimer(backend())
    expect(await timer.time(again, 3)).toBeGreaterThan(0)
    expect(spy).toHaveBeenCalledTimes(3)
    spy.mockRestore()
    timer.destroy()
    dispose([a, b, result])
  })

  describe('of a perceptron in mixed precision', () => {
    const UNIT = roundingMatrices()
    beforeAll(() => {
      assumeUnit(backend(), UNIT)
      setPrecision('mixed')
    })
    afterAll(() => {
      setPrecision('f32')
      assumeUnit(backend(), undefined)
    })

    const drawn = () => {
      const random = randomTensors(5)
      return [random([71, 20]), random([72, 20], 0.2), random([72]), random([12, 72], 0.2), random([12])] as const
    }

    /** Its gradients, the input's first. */
    const perceptron = (inputs: ReturnType<typeof drawn>) =>
      grads((x, weight1, bias1, weight2, bias2) => {
        const parameters = {
          weight1: weight1 as Tensor2D,
          bias1: bias1 as Tensor1D,
          weight2: weight2 as Tensor2D,
          bias2: bias2 as Tensor1D,
        }
        return mlp(x!, parameters)
      })([...inputs])

    const products = () => {
      const inputs = drawn()
      const shapes = productsOf(() => tidy(() => void perceptron(inputs)))
      dispose([...inputs])
      return shapes
    }

    /** The labels of the pipelines of products that are made. */
    const productsMade = (name: 'createComputePipeline' | 'createComputePipelineAsync') => {
      const spy = vi.spyOn(backend().device, name)
      return () => spy.mock.calls.flatMap(([{ label = '' }]) => (label.includes('product') ? [label] : []))
    }

    test('finds which matrices are stored as float16: its products have other names than those of float32', () => {
      const shapes = products().map(({ shape }) => shape)
      expect(shapes.map((shape) => shapeKey('f16', shape))).toEqual([
        'f16 depth depth 71x72x20 half result',
        'f16 depth depth 71x12x72 half left',
        'f16 outer outer 12x72x71 half right',
        'f16 depth outer 71x72x12 half result',
        'f16 outer outer 72x20x71 half left',
        'f16 depth outer 71x20x72 half left',
      ])
      setPrecision('f32')
      expect(products().map(({ shape }) => shape.halves)).toEqual(Array(6).fill([]))
      setPrecision('mixed')
    })

    test('measures the programs that training runs, compiled ahead, and the plans compute the same', async () => {
      const inputs = drawn()
      const before = perceptron(inputs)
      // The second map forward, and what it gives back to the first.
      const shapes = products().filter(({ shape }) => ['left', 'result'].includes(shape.halves.join()) && shape.columns !== 20)
      const [late, ahead] = [productsMade('createComputePipeline'), productsMade('createComputePipelineAsync')]
      const table = await tune(shapes, { seconds: 120 })
      expect([late(), ahead().length > 0]).toEqual([[], true])
      for (const label of ahead()) expect(label).toMatch(/ depth4h | \S*half /)
      vi.restoreAllMocks()
      expect(Object.keys(table.plans).toSorted()).toEqual(shapes.map(({ shape }) => shapeKey(UNIT.name, shape)).toSorted())
      const [dx, ...others] = perceptron(inputs)
      expect(await valuesOf(dx!)).toEqual(await valuesOf(before[0]!))
      for (const [i, gradient] of others.entries()) await expectClose(gradient, before[i + 1]!, TOLERANCES.webgpu.kernel, `gradient ${i}`)
      dispose([...inputs, ...before, dx!, ...others])
    })

    test('a plan of float32 storage is none of float16', () => {
      const { shape } = products().find(({ shape }) => shape.halves.join() === 'left')!
      const untuned = planProduct(backend(), mixedTiles(UNIT), shape)
      const other = mixedTiles(UNIT).tiles.find((tile) => tile !== untuned.tile)!
      const plan = { rows: other.rows, columns: other.columns, parts: 1 }
      setTunedPlans(backend(), { [shapeKey(UNIT.name, { ...shape, halves: [] })]: plan })
      expect(planProduct(backend(), mixedTiles(UNIT), shape)).toEqual(untuned)
      setTunedPlans(backend(), { [shapeKey(UNIT.name, shape)]: plan })
      expect(planProduct(backend(), mixedTiles(UNIT), shape).tile).toBe(other)
    })
  })

  test('work that the device drops is its error, not a short time', async () => {
    const timer = createTimer(backend())
    const { a, b, result } = run(forward)
    const again = () => multiply(backend(), { matrix: a, depth: 'columns' }, { matrix: b, depth: 'columns' }, result)
    expect(await timer.time(again, 1)).toBeGreaterThan(0)
    backend().tensorMap.get(b.dataId).resource!.destroy()
    await expect(timer.time(again, 1)).rejects.toThrow('a WebGPU command failed')
    timer.destroy()
    dispose([a, b, result])
  })

  test('refuses no time', async () => {
    await expect(tune([], { seconds: 0 })).rejects.toThrow('seconds must be a number above 0; got 0')
  })
})
