import { expectClose, randomTensors, TOLERANCES, uniformTensors, valuesOf } from '@learngene/testing'
import {
  dispose,
  div,
  engine,
  fill,
  mul,
  type NamedTensorMap,
  round,
  scalar,
  type Tensor,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { findKernel } from '../../kernels.js'
import { setPrecision } from '../../precision.js'
import { guardState, guardStep } from '../../step-guard.js'
import { describeWebGPU, poisonBuffers } from '../../testing/compare-modes.js'
import { gaussianDensity, gaussianDistribution } from '../../testing/float64.js'
import type { WebGPUBackend } from '../backend.js'
import { assumeUnit, roundingMatrices } from './matrix-unit.js'
import { setTunedPlans, shapeKey, watchProducts } from './planning.js'

/** Relative, of values that come of two products or three: factors are rounded to 11 bits. */
const FLOAT16 = 2e-3

const UNIT = roundingMatrices()

const NAMES = ['y', 'dx', 'dWeight1', 'dBias1', 'dWeight2', 'dBias2'] as const
type Results = { readonly [name in (typeof NAMES)[number]]: Tensor }

const backend = () => engine().backend as WebGPUBackend

/** Rows, width, hidden values, width of the result. */
type Size = readonly [rows: number, width: number, hidden: number, columns: number]

const SIZE: Size = [71, 20, 72, 12]

interface Inputs extends NamedTensorMap {
  readonly x: Tensor
  readonly weight1: Tensor
  readonly bias1: Tensor
  readonly weight2: Tensor
  readonly bias2: Tensor
  readonly residual: Tensor
  readonly dy: Tensor
}

function drawn([rows, width, hidden, columns]: Size, dyScale = 1): Inputs {
  const random = randomTensors(rows)
  return {
    x: random([rows, width]),
    weight1: random([hidden, width], 0.2),
    bias1: random([hidden]),
    weight2: random([columns, hidden], 0.2),
    bias2: random([columns]),
    residual: random([rows, columns]),
    dy: random([rows, columns], dyScale),
  }
}

/** Values and gradients by two affine maps, as `mlp` calls them, and how many bytes the hidden values take: stored as the backend likes, or in float32. */
function compute({ x, weight1, bias1, weight2, bias2, residual, dy }: Inputs, hidden: boolean): Results & { readonly hiddenBytes: number } {
  const [kernel, gradientKernel] = [findKernel('LearngeneLinear')!, findKernel('LearngeneLinearGrad')!]
  const first = kernel({ x, weight: weight1, bias: bias1 }, { activation: 'gelu', keepPreActivation: true, hidden })
  const [activated, preActivation] = first as [Tensor, Tensor]
  const [y] = kernel({ x: activated, weight: weight2, bias: bias2, residual })
  const second = gradientKernel({ x: activated, weight: weight2, dy, preActivation }, { inputGradient: true })
  const [dWeight2, dBias2, dHidden] = second as [Tensor, Tensor, Tensor]
  const [dWeight1, dBias1, dx] = gradientKernel({ x, weight: weight1, dy: dHidden }, { inputGradient: true }) as [Tensor, Tensor, Tensor]
  const hiddenBytes = 4 * (activated.size + preActivation.size + dHidden.size)
  dispose([activated, preActivation, dHidden])
  return { y: y!, dx, dWeight1, dBias1, dWeight2, dBias2, hiddenBytes }
}

const perceptron = (inputs: Inputs) => compute(inputs, true)
const ofAffineMaps = (inputs: Inputs) => compute(inputs, false)

/** The same in double precision. */
async function inDoublePrecision(inputs: Inputs): Promise<{ readonly [name in keyof Results]: Float64Array }> {
  const [rows, width] = inputs.x.shape as [number, number]
  const [columns, hidden] = inputs.weight2.shape as [number, number]
  const named = await Promise.all(Object.entries(inputs).map(async ([name, tensor]) => [name, await valuesOf(tensor)] as const))
  const { x, weight1, bias1, weight2, bias2, residual, dy } = Object.fromEntries(named) as { [name in keyof Inputs]: number[] }
  const of = (size: number) => new Float64Array(size)
  const results = {
    y: Float64Array.from(residual!),
    dx: of(rows * width),
    dWeight1: of(hidden * width),
    dBias1: of(hidden),
    dWeight2: of(columns * hidden),
    dBias2: of(columns),
  }
  for (let r = 0; r < rows; r++) {
    for (let n = 0; n < columns; n++) {
      results.y[r * columns + n]! += bias2![n]!
      results.dBias2[n]! += dy![r * columns + n]!
    }
    for (let h = 0; h < hidden; h++) {
      let before = bias1![h]!
      for (let d = 0; d < width; d++) before += x![r * width + d]! * weight1![h * width + d]!
      const distribution = gaussianDistribution(before)
      let gradient = 0
      for (let n = 0; n < columns; n++) {
        results.y[r * columns + n]! += before * distribution * weight2![n * hidden + h]!
        results.dWeight2[n * hidden + h]! += dy![r * columns + n]! * before * distribution
        gradient += dy![r * columns + n]! * weight2![n * hidden + h]!
      }
      gradient *= distribution + before * gaussianDensity(before)
      results.dBias1[h]! += gradient
      for (let d = 0; d < width; d++) {
        results.dWeight1[h * width + d]! += gradient * x![r * width + d]!
        results.dx[r * width + d]! += gradient * weight1![h * width + d]!
      }
    }
  }
  return results
}

async function expectSame(actual: Results, expected: Results, names: readonly (keyof Results)[]): Promise<void> {
  for (const name of names) expect(await valuesOf(actual[name]), name).toEqual(await valuesOf(expected[name]))
}

/** Has the device bind so few bytes at once. */
function bindAtMost(bytes: number): () => unknown {
  const { device } = backend()
  const own = Object.getOwnPropertyDescriptor(device, 'limits')
  const { limits } = device
  const told = { maxStorageBufferBindingSize: bytes } as GPUSupportedLimits
  const value = new Proxy(told, { get: (few, name) => few[name as 'maxBufferSize'] ?? limits[name as 'maxBufferSize'] })
  Object.defineProperty(device, 'limits', { value, configurable: true })
  return () => (own ? Object.defineProperty(device, 'limits', own) : Reflect.deleteProperty(device, 'limits'))
}

/** The storage bindings of what runs. */
function bindingsOf(run: () => void): { readonly offset: number; readonly size: number }[] {
  const spy = vi.spyOn(backend().device, 'createBindGroup')
  try {
    run()
    return spy.mock.calls.flatMap(([{ entries }]) =>
      [...entries].flatMap(({ resource }) => {
        const { buffer, offset = 0, size = buffer.size } = resource as GPUBufferBinding
        return buffer.usage & GPUBufferUsage.UNIFORM ? [] : [{ offset, size }]
      }),
    )
  } finally {
    spy.mockRestore()
  }
}

describeWebGPU(() => {
  beforeAll(() => assumeUnit(backend(), UNIT))
  afterAll(() => assumeUnit(backend(), undefined))
  afterEach(() => setPrecision('f32'))

  describe.each([false, true])('in mixed precision, of a scaled loss: %s', (lossScaled) => {
    const mixed = () => setPrecision('mixed', { lossScaled })

    test('what is stored in half the bytes gives the same', async () => {
      mixed()
      const [rows, , hidden] = SIZE
      const inputs = drawn(SIZE)
      await poisonBuffers([[rows, hidden / 2]])
      const { hiddenBytes, ...actual } = perceptron(inputs)
      expect(hiddenBytes).toBe(3 * 2 * rows * hidden)
      const expected = ofAffineMaps(inputs)
      await expectSame(actual, expected, ['y', 'dWeight2', 'dBias2'])
      for (const name of ['dx', 'dWeight1', 'dBias1'] as const) await expectClose(actual[name], expected[name], FLOAT16, name)
    })

    test.each([SIZE, [150, 7, 36, 5]] as const)(
      '%i rows of %i, %i hidden values and %i results are those of double precision to float16',
      async (...size) => {
        mixed()
        const inputs = drawn(size)
        const { hiddenBytes, ...actual } = perceptron(inputs)
        expect(hiddenBytes).toBe(3 * 2 * size[0] * size[2])
        const exact = await inDoublePrecision(inputs)
        for (const name of NAMES) await expectClose(actual[name], exact[name], FLOAT16, name)
      },
    )

    test('all but the bias gradient is the same where the values before GELU are those of float16, as only its derivative sees the others', async () => {
      mixed()
      const uniform = uniformTensors(3)
      const fourths = (shape: readonly number[]) => tidy(() => div(round(uniform(shape, 4)), 4))
      const [rows, width, hidden] = SIZE
      const inputs = { ...drawn(SIZE), x: fourths([rows, width]), weight1: fourths([hidden, width]), bias1: fourths([hidden]) }
      const [actual, expected] = [perceptron(inputs), ofAffineMaps(inputs)]
      await expectSame(actual, expected, ['y', 'dx', 'dWeight1', 'dWeight2', 'dBias2'])
      await expectClose(actual.dBias1, expected.dBias1, FLOAT16 / 4, 'dBias1')
      expect(await valuesOf(actual.dBias1)).not.toEqual(await valuesOf(expected.dBias1))
    })

    test('of 6 hidden values, which four does not divide, all is as in float32 storage', async () => {
      mixed()
      const inputs = drawn([71, 20, 6, 12])
      const { hiddenBytes, ...actual } = perceptron(inputs)
      expect(hiddenBytes).toBe(3 * 4 * 71 * 6)
      await expectSame(actual, ofAffineMaps(inputs), NAMES)
    })

    test('of no rows there are no rows, and zeros for the parameters', async () => {
      mixed()
      const { y, dx, ...ofParameters } = perceptron(drawn([0, 20, 72, 12]))
      expect([y.shape, dx.shape]).toEqual([
        [0, 12],
        [0, 20],
      ])
      for (const name of NAMES.slice(2) as ('dWeight1' | 'dBias1' | 'dWeight2' | 'dBias2')[])
        await expectClose(ofParameters[name], zeros(ofParameters[name].shape), 0, name)
    })
  })

  test('what does not fit a binding is split where buffers may be bound from', async () => {
    setPrecision('mixed')
    const inputs = drawn([1003, 20, 72, 12])
    const whole = perceptron(inputs)
    const bound = 2 ** 16
    const release = bindAtMost(bound)
    try {
      let split: Results | undefined
      const bindings = bindingsOf(() => {
        split = perceptron(inputs)
      })
      expect(2 * 1003 * 72).toBeGreaterThan(bound)
      expect(Math.max(...bindings.map(({ size }) => size))).toBeLessThanOrEqual(bound)
      expect(new Set(bindings.map(({ offset }) => offset % 256))).toEqual(new Set([0]))
      expect(bindings.some(({ offset }) => offset > 0)).toBe(true)
      await expectSame(split!, whole, ['y', 'dx'])
      for (const name of NAMES.slice(2)) await expectClose(split![name], whole[name], TOLERANCES.webgpu.kernel, name)
    } finally {
      release()
    }
  })

  test('plans of a table are those of products of float16 too', async () => {
    setPrecision('mixed')
    const inputs = drawn(SIZE)
    const whole = perceptron(inputs)
    const shapes = watchProducts(backend(), [{ step: () => void perceptron(inputs), times: 1 }]).map(({ shape }) => shape)
    expect(shapes).toHaveLength(6)
    setTunedPlans(
      backend(),
      Object.fromEntries(shapes.map((shape) => [shapeKey(UNIT.name, shape), { rows: 32, columns: 64, parts: shape.divisible ? 2 : 1 }])),
    )
    const spy = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups')
    const planned = perceptron(inputs)
    expect(spy.mock.calls.map(([columns, rows, parts]) => [columns, rows, parts])).toContainEqual([2, 3, 1])
    spy.mockRestore()
    setTunedPlans(backend(), {})
    await expectSame(planned, whole, ['y', 'dx'])
    for (const name of NAMES.slice(2)) await expectClose(planned[name], whole[name], TOLERANCES.webgpu.kernel, name)
  })

  test('gradients below float16 keep their digits, and those beyond saturate, where the loss is not scaled', async () => {
    setPrecision('mixed')
    const tiny = drawn(SIZE, 2 ** -24)
    const [actual, exact] = [perceptron(tiny), await inDoublePrecision(tiny)]
    for (const name of ['dx', 'dWeight1', 'dBias1'] as const) {
      const lifted = (await valuesOf(actual[name])).map((value) => value * 2 ** 24)
      await expectClose(
        lifted,
        exact[name].map((value) => value * 2 ** 24),
        FLOAT16,
        name,
      ) // prettier-ignore
    }
    const large = { ...drawn(SIZE), dy: fill([71, 12], 100) }
    for (const name of NAMES) expect((await valuesOf(perceptron(large)[name])).every(Number.isFinite), name).toBe(true)
  })

  test('values before GELU that are beyond float16 saturate, where its derivative is 0 or 1', async () => {
    setPrecision('mixed')
    const { x, ...others } = drawn(SIZE)
    const inputs = { ...others, x: mul(x!, 1e6) } as Inputs
    const [actual, expected] = [perceptron(inputs), ofAffineMaps(inputs)]
    await expectSame(actual, expected, ['y', 'dWeight2', 'dBias2'])
    for (const name of ['dx', 'dWeight1', 'dBias1'] as const) await expectClose(actual[name], expected[name], FLOAT16, name)
  })

  test('hidden gradients of a scaled loss beyond float16 are infinite, so that the step is left out; without them it is not', async () => {
    setPrecision('mixed', { lossScaled: true })
    const scalars = tensor2d([[1]])
    const judged = async (weight: number) => {
      const inputs = { ...drawn(SIZE), dy: fill([71, 12], 100), weight2: fill([12, 72], weight) }
      const { dWeight1, dBias1, dWeight2 } = perceptron(inputs)
      expect((await valuesOf(dWeight2)).every(Number.isFinite)).toBe(true)
      const left = []
      for (const gradient of [dWeight1, dBias1]) {
        const { numbers } = guardStep(scalar(1), [gradient], scalars, guardState(2), { doubleAfter: 100 })
        left.push((await valuesOf(numbers))[0])
      }
      return left
    }
    expect(await judged(1)).toEqual([0, 0])
    expect(await judged(1000)).toEqual([1, 1])
  })

  test('the precision of the forward pass is that of its gradient', async () => {
    const inputs = drawn(SIZE)
    const { x, weight1, bias1, weight2, dy } = inputs
    setPrecision('mixed')
    const attributes = { activation: 'gelu', keepPreActivation: true, hidden: true }
    const [activated, preActivation] = findKernel('LearngeneLinear')!({ x, weight: weight1, bias: bias1 }, attributes) as [Tensor, Tensor]
    setPrecision('f32')
    const gradientKernel = findKernel('LearngeneLinearGrad')!
    const [, , dHidden] = gradientKernel({ x: activated, weight: weight2, dy, preActivation }, { inputGradient: true })
    const [, , dx] = gradientKernel({ x, weight: weight1, dy: dHidden! }, { inputGradient: true })
    await expectClose(dx!, (await inDoublePrecision(inputs)).dx, FLOAT16, 'dx')
  })

  test('a gradient without the matrix units of its forward pass is refused in one line, and computed when they are back', async () => {
    const inputs = drawn(SIZE)
    const { x, weight1, bias1, weight2, dy } = inputs
    setPrecision('mixed')
    const attributes = { activation: 'gelu', keepPreActivation: true, hidden: true }
    const [activated, preActivation] = findKernel('LearngeneLinear')!({ x, weight: weight1, bias: bias1 }, attributes) as [Tensor, Tensor]
    const gradient = () =>
      findKernel('LearngeneLinearGrad')!({ x: activated, weight: weight2, dy, preActivation }, { inputGradient: true }) as Tensor[]
    assumeUnit(backend(), undefined)
    try {
      for (const precision of ['mixed', 'f32'] as const) {
        setPrecision(precision)
        expect(gradient).toThrow(
          /^the gradient of a forward pass in mixed precision needs the matrix units that the pass had, as it reads float16; now the GPU [^\n]+: take units away, as emulateMatrixUnits\(false\) does, after the gradient$/,
        )
      }
    } finally {
      assumeUnit(backend(), UNIT)
    }
    await expectClose(gradient()[0]!, (await inDoublePrecision(inputs)).dWeight2, FLOAT16, 'dWeight2')
  })
})
