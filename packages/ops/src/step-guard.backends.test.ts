import { expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { memory, scalar, type Tensor, type Tensor2D, tensor, tensor1d, tensor2d, variable, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { type GuardOptions, guardState, guardStep } from './step-guard.js'
import { describeVariants } from './testing/variants.js'

const SCALARS = [
  [0.1, 0.9],
  [0.2, 0.8],
  [0.3, 0.7],
]

/** Judges steps of the given losses and gradients one after the other; gives each one's factor and numbers, and the state in the end. */
async function judge(steps: readonly { loss: Tensor; gradients?: Tensor[] }[], options: GuardOptions = {}, scale = 1) {
  const state = guardState(scale)
  const factors: number[] = []
  const numbers: number[][] = []
  for (const { loss, gradients = [] } of steps) {
    const scalars = tensor2d(SCALARS)
    const before = memory().numTensors
    const guard = guardStep(loss, gradients, scalars, state, options)
    expect(memory().numTensors).toBe(before + 2)
    const table = await valuesOf(guard.table)
    expect(guard.table.shape).toEqual([6, 2])
    expect(table.slice(0, 6)).toEqual(await valuesOf(scalars))
    const [factor] = table.slice(6)
    expect(table.slice(6)).toEqual([factor, 0, factor, 0, factor, 0])
    factors.push(factor!)
    numbers.push(await valuesOf(guard.numbers))
  }
  return { factors, numbers, state: await valuesOf(state) }
}

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number

describeVariants(({ tolerances }) => {
  test.each([nan, infinity, -infinity])('a loss of %d leaves that step and all later ones out', async (bad) => {
    const { factors, numbers, state } = await judge([2, bad, 3].map((loss) => ({ loss: scalar(loss) })))
    expect(factors).toEqual([1, 0, 0])
    expect(numbers).toEqual([
      [0, 0, 1, 2],
      [1, 0, 1, bad],
      [1, 0, 1, 3],
    ])
    expect(state).toEqual([0, 1, 0, 0])
  })

  test('one term that is not finite is enough', async () => {
    const { factors } = await judge([{ loss: tensor1d([1, 2]) }, { loss: tensor1d([1, infinity]) }])
    expect(factors).toEqual([1, 0])
  })

  test('parameters that a step does not reach have a factor of 0', async () => {
    const reached = tensor1d([1, 0, 1])
    const { table } = guardStep(scalar(1), [], tensor2d(SCALARS), guardState(), { reached })
    expect((await valuesOf(table)).slice(6)).toEqual([1, 0, 0, 0, 1, 0])
  })

  test('gradients that are not finite leave that step and all later ones out, whatever the loss', async () => {
    const loss = scalar(1)
    for (const bad of [nan, infinity]) {
      const steps = [[tensor([3, 4])], [tensor([1]), tensor([2, bad])], [tensor([1])]].map((gradients) => ({ loss, gradients }))
      const { factors, numbers, state } = await judge(steps)
      expect(factors).toEqual([1, 0, 0])
      expect(numbers.map(([leftOut, norm]) => [leftOut, norm])).toEqual([[0, 5], [1, bad], [1, 1]]) // biome-ignore format: pairs
      expect(state).toEqual([0, 1, 0, 0])
    }
  })

  test('the joint norm clips, and leaves a step out where it is not finite', async () => {
    const loss = scalar(1)
    const gradients = [tensor([3, 0]), tensor([[4]]), tensor([])]
    const wide = await judge([{ loss, gradients }], { clipNorm: 10 })
    expect(wide.factors).toEqual([1])
    const { factors, numbers } = await judge(
      [
        { loss, gradients },
        { loss, gradients: [tensor([1, nan])] },
      ],
      { clipNorm: 2.5 },
    )
    expect(factors[0]).toBeCloseTo(0.5, 6)
    expect(numbers[0]![1]).toBeCloseTo(5, 5)
    expect(factors[1]).toBe(0)
    expect((await judge([{ loss }], { clipNorm: 1 })).factors).toEqual([1])
  })

  test('the norm of many gradients of any size is their joint one', async () => {
    const random = randomTensors(4)
    const gradients = [1, 4095, 4096, 4097, 20_000, 3, 7, 11, 2, 5, 4, 1, 1, 9].map((size) => random([size]))
    const squares = (await Promise.all(gradients.map(valuesOf))).flat().reduce((sum, value) => sum + value * value, 0)
    const { numbers } = await judge([{ loss: scalar(1), gradients }], { clipNorm: 1 })
    await expectClose(tensor1d([numbers[0]![1]!]), [Math.sqrt(squares)], tolerances.float64)
  })

  test('a scale halves on overflow, doubles after good steps, and divides gradients and norm', async () => {
    const loss = scalar(1)
    const [good, bad] = [
      { loss, gradients: [tensor([6, 8])] },
      { loss, gradients: [tensor([infinity, 1])] },
    ]
    const { factors, numbers, state } = await judge([bad, good, good, good, bad, good], { doubleAfter: 2 }, 4)
    expect(numbers.map(([leftOut, , scale]) => [leftOut, scale])).toEqual([[1, 4], [0, 2], [0, 2], [0, 4], [1, 4], [0, 2]]) // biome-ignore format: pairs
    expect(factors).toEqual([0, 0.5, 0.5, 0.25, 0, 0.5])
    expect(numbers.map(([, norm]) => norm)).toEqual([infinity, 5, 5, 2.5, infinity, 5])
    expect(state).toEqual([1, 2, 1, 0])
  })

  test('an overflow at a scale of 1 ends it, as a loss that is not finite does at any scale', async () => {
    const bad = { loss: scalar(1), gradients: [tensor([nan])] }
    expect((await judge([bad, bad], { doubleAfter: 2 }, 2)).state).toEqual([0, 1, 0, 0])
    expect((await judge([{ loss: scalar(nan), gradients: [tensor([1])] }], { doubleAfter: 2 }, 8)).state).toEqual([0, 8, 0, 0])
  })

  test('the scale grows no further than 2^24', async () => {
    const good = { loss: scalar(1), gradients: [tensor([1])] }
    expect((await judge([good, good], { doubleAfter: 1 }, 2 ** 23)).state).toEqual([1, 2 ** 24, 0, 0])
  })

  test('of several sets of numbers a step takes the one that the latest steps tell, as far back as there are sets', async () => {
    const [good, bad] = [tensor([1]), tensor([infinity])]
    const scalars = tensor2d([0, 1, 2, 3].flatMap((set) => [[set, 0.1], [set, 0.2]])) // biome-ignore format: pairs
    const state = guardState(2 ** 20)
    const taken: (number | undefined)[] = []
    for (const gradient of [good, bad, bad, good, bad, good, good, good]) {
      const { table } = guardStep(scalar(1), [gradient], scalars, state, { doubleAfter: 100, sets: 4 })
      const [set, ...rest] = await valuesOf(table)
      expect(table.shape).toEqual([4, 2])
      await expectClose(tensor1d(rest.slice(0, 3)), [0.1, set!, 0.2], tolerances.float64)
      taken.push(set)
    }
    expect(taken).toEqual([0, 0, 1, 3, 2, 1, 2, 0])
  })

  test('a loss, a state or scalars of another shape are refused', () => {
    const scalars = zeros([1, 4]) as Tensor2D
    expect(() => guardStep(zeros([2, 2]), [], scalars, guardState())).toThrow(
      'guardStep: loss must be [] or [T], state [4] and scalars [1 P, C]',
    )
    expect(() => guardStep(scalar(1), [], scalars, variable(zeros([2])))).toThrow('got loss [], state [2]')
    expect(() => guardStep(scalar(1), [], scalars, guardState(), { sets: 2 })).toThrow(
      'loss must be [] or [T], state [4] and scalars [2 P, C]',
    )
  })
})
