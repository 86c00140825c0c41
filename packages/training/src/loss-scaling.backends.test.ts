import { describeEachBackend } from '@learngene/testing'
import { abs, customGrad, greater, mul, round, type Scalar, sign, type Tensor, where } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { adamW } from './adamw.js'
import { averaging } from './averaging.js'
import type { TrainingCheckpoint } from './checkpoint.js'
import { createRegression, range } from './regression.fixture.js'
import { sgd } from './sgd.js'
import { type TrainOptions, train } from './train.js'

/** The identity, whose gradient has float16's range: multiples of 2^-24, and infinite above 65504. */
const throughFloat16 = customGrad((x) => ({
  value: (x as Tensor).clone(),
  gradFunc: (dy: Tensor) =>
    where(greater(abs(dy), 65_504), mul(sign(dy), Number.POSITIVE_INFINITY), mul(round(mul(dy, 2 ** 24)), 2 ** -24)),
})) as (x: Tensor) => Tensor

/** Twelve steps on losses so small that their gradients vanish in float16. */
async function run(options: Partial<TrainOptions>, { float16 = true, factor = 1e-7 } = {}) {
  const { parameters, loss, values, dispose } = createRegression()
  const scales: (number | undefined)[] = []
  const lossOf = (step: number) => loss(range(step % 8, 8 + (step % 8)))
  const losses = await train({
    parameters,
    steps: 12,
    loss: (step) => mul(float16 ? throughFloat16(lossOf(step)) : lossOf(step), factor) as Scalar,
    optimizer: adamW({ epsilon: 1e-12 }),
    learningRate: () => 0.02,
    report: (event) => event.kind === 'progress' && scales.push(event.metrics?.lossScale),
    ...options,
  })
  const found = await values()
  dispose()
  return { losses: Array.from(losses), values: found, scales }
}

type Values = { readonly [name: string]: readonly number[] }

const difference = (a: Values, b: Values) =>
  Math.max(...Object.entries(a).flatMap(([name, values]) => values.map((value, i) => Math.abs(value - b[name]![i]!))))

describeEachBackend(() => {
  test('gradients that vanish in float16 do not with a scale: the training follows that of float32', async () => {
    const tiny = 2 ** -26 // half of float16's smallest
    const exact = await run({}, { float16: false, factor: tiny })
    const lost = await run({}, { factor: tiny })
    const scaled = await run({ lossScaling: {} }, { factor: tiny })
    expect(difference(scaled.values, exact.values)).toBeLessThan(2e-3)
    expect(difference(lost.values, exact.values)).toBeGreaterThan(0.05)
    for (const [i, loss] of exact.losses.entries()) expect(Math.abs(scaled.losses[i]! / loss - 1)).toBeLessThan(2e-2)
  })

  test.each([
    ['AdamW', () => adamW()],
    ['averages', () => averaging(adamW(), 0.5)],
    ['momentum', () => sgd({ momentum: 0.9 })],
  ])(
    '%s: steps that overflow are left out and halve the scale, good ones double it, and a resumed training has the same bits',
    async (_, optimizer) => {
      const saved: TrainingCheckpoint[] = []
      const options = { optimizer: optimizer(), lossScaling: { scale: 2 ** 18, doubleAfter: 3 } }
      const checkpoint = { every: 4, save: (state: TrainingCheckpoint) => void saved.push(structuredClone(state)) }
      const whole = await run({ ...options, checkpoint }, { factor: 1 })
      expect(whole.scales).toEqual([18, 17, 16, 15, 15, 15, 16, 15, 15, 15, 16, 15].map((exponent) => 2 ** exponent))
      expect(saved.map(({ scaling }) => scaling)).toEqual([
        { scale: 2 ** 15, taken: 1 },
        { scale: 2 ** 15, taken: 1 },
        { scale: 2 ** 15, taken: 1 },
      ])
      expect(saved[0]!.optimizer['hidden.bias']).toMatchObject({ steps: 4, leftOut: 3 })
      expect(await run({ ...options }, { factor: 1 })).toEqual(whole)
      const resumed = await run({ ...options, resume: saved[0]! }, { factor: 1 })
      expect(resumed.losses).toEqual(whole.losses)
      expect(resumed.values).toEqual(whole.values)
      expect(resumed.scales).toEqual(whole.scales.slice(4))
    },
  )

  test.each([15, 18, 24])(
    "the first step that is taken, at a scale of 2^%d or less, is AdamW's first: one learning rate",
    async (exponent) => {
      const leftOut = exponent - 15
      const moved = await run(
        { steps: leftOut + 1, optimizer: adamW({ weightDecay: 0 }), lossScaling: { scale: 2 ** exponent } },
        { factor: 1 },
      )
      const before = await run({ steps: 0 })
      expect(moved.scales).toEqual(Array.from({ length: leftOut + 1 }, (_, step) => 2 ** (exponent - step)))
      expect(difference(moved.values, before.values)).toBeCloseTo(0.02, 5)
    },
  )

  test('checkpoints without a scale are resumed with the first one', async () => {
    const saved: TrainingCheckpoint[] = []
    await run({ checkpoint: { every: 6, save: (state) => void saved.push(structuredClone(state)) } }, { float16: false })
    expect(saved[0]!.scaling).toBeUndefined()
    const { scales } = await run({ resume: saved[0]!, lossScaling: { scale: 8 } }, { float16: false })
    expect(scales).toEqual(new Array(6).fill(8))
  })

  test('gradients that overflow at a scale of 1 are an error', async () => {
    await expect(run({ lossScaling: { scale: 2 } }, { factor: 1e9 })).rejects.toThrow(
      /the gradients' norm must stay finite; step 1 of 12 gave (Infinity|NaN) at learning rate 0.02. The parameters are those after step 0/,
    )
  })

  test('mixed precision is refused where nothing would come of it', async () => {
    await expect(run({ precision: 'mixed' })).rejects.toThrow(
      /^train: precision 'mixed' needs webgpu on a GPU with matrix units for float16; .*\. Choose 'float32', or another backend$/,
    )
  })

  test.each<[Partial<TrainOptions>, string]>([
    [{ precision: 'float16' as never }, "train: precision must be 'float32' or 'mixed'; got 'float16'"],
    [
      { lossScaling: { scale: 3 } },
      'train: lossScaling.scale must be a power of two from 1 to 2^24, which divides without rounding; got 3',
    ],
    [{ lossScaling: { doubleAfter: 0 } }, 'train: lossScaling.doubleAfter must be an integer of at least 1; got 0'],
  ])('%j is refused', async (options, message) => {
    await expect(run(options)).rejects.toThrow(message)
  })
})
