import { mlp } from '@learngene/ops'
import { emulateMatrixUnits } from '@learngene/ops/webgpu'
import { startBackend, TOLERANCES } from '@learngene/testing'
import {
  engine,
  mean,
  memory,
  type Scalar,
  square,
  sub,
  type Tensor1D,
  type Tensor2D,
  tensor2d,
  tidy,
  variable,
  zeros,
} from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { adamW } from './adamw.js'
import { createRng } from './rng.js'
import { type TrainOptions, train } from './train.js'

const missing = await startBackend('webgpu').then(
  () => undefined,
  (error: Error) => error.message,
)

const STEPS = 25

/** A perceptron with a residual connection that learns a product and a sine of its inputs. */
async function run(options: Partial<TrainOptions>) {
  const rng = createRng(1)
  const drawn = (rows: number, columns: number, scale: number) => {
    return tensor2d(
      Float32Array.from({ length: rows * columns }, () => scale * rng.normal()),
      [rows, columns],
    )
  }
  const [x, parameters] = tidy(() => {
    const parameters = {
      weight1: variable(drawn(32, 4, 0.5)),
      bias1: variable(zeros([32])),
      weight2: variable(drawn(4, 32, 0.2)),
      bias2: variable(zeros([4])),
    }
    return [drawn(48, 4, 1), parameters] as const
  })
  const values = await x.data()
  const targets = Float32Array.from(values, (value, i) => Math.sin(2 * value) + value * values[i ^ 1]!)
  const y = tensor2d(targets, [48, 4])
  const { weight1, weight2, bias1, bias2 } = parameters
  const given = { weight1: weight1 as Tensor2D, bias1: bias1 as Tensor1D, weight2: weight2 as Tensor2D, bias2: bias2 as Tensor1D }
  const scales: (number | undefined)[] = []
  const losses = await train({
    parameters,
    steps: STEPS,
    batch: () => ({}),
    loss: () => mean(square(sub(mlp(x, given, { residual: x }), y))) as Scalar,
    optimizer: adamW(),
    learningRate: () => 0.02,
    report: (event) => event.kind === 'progress' && scales.push(event.metrics?.lossScale),
    ...options,
  })
  const trained = await Promise.all(Object.values(parameters).map((parameter) => parameter.data()))
  for (const tensor of [x, y, ...Object.values(parameters)]) tensor.dispose()
  return { losses: Array.from(losses), trained, scales }
}

describe.skipIf(missing)(missing ? `on webgpu (which is not here: ${missing})` : 'on webgpu, with matrix units emulated', () => {
  beforeAll(() => emulateMatrixUnits(true))
  afterAll(() => emulateMatrixUnits(false))

  test('a training in mixed precision has the losses of one in float32, plain and recorded, and leaves nothing behind', async () => {
    const exact = await run({})
    const { numTensors } = memory()
    const { backend } = engine() as unknown as { backend: { makeTensorInfo(shape: number[], dtype: string): unknown } }
    const made = vi.spyOn(backend, 'makeTensorInfo')
    const mixed = await run({ precision: 'mixed' })
    // Hidden values of 48 rows, in pairs.
    expect(made.mock.calls).toContainEqual([[48, 16], 'int32'])
    made.mockRestore()
    expect(memory().numTensors).toBe(numTensors)
    for (const [i, loss] of exact.losses.entries()) expect(Math.abs(mixed.losses[i]! / loss - 1), `loss ${i}`).toBeLessThan(5e-3)
    expect(mixed.losses).not.toEqual(exact.losses)
    expect(mixed.losses.at(-1)).toBeLessThan(0.5 * mixed.losses[0]!)
    const recorded = await run({ precision: 'mixed', compile: { key: () => '' } })
    expect(recorded).toEqual(mixed)
  })

  test('steps whose hidden gradients overflow float16 are left out and halve the scale', async () => {
    const { scales, losses } = await run({ precision: 'mixed', lossScaling: { scale: 2 ** 24, doubleAfter: 1000 } })
    expect(scales[0]).toBe(2 ** 24)
    expect(scales.at(-1)).toBeLessThan(2 ** 24)
    expect(losses.every(Number.isFinite)).toBe(true)
    expect(losses.at(-1)).toBeLessThan(TOLERANCES.webgpu.lossCurve + losses[0]!)
  })
})
