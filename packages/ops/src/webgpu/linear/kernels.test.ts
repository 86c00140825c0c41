import { expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { dispose, grads, memory, type Tensor, type Tensor1D, type Tensor2D, tensor1d, tidy, zeros } from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { gelu } from '../../gelu.js'
import { type LinearOptions, linear } from '../../linear.js'
import { mlp } from '../../mlp.js'
import { compareModes, describeWebGPU } from '../../testing/compare-modes.js'

type Operation = (...inputs: Tensor[]) => Tensor

const linearWith =
  (options: LinearOptions): Operation =>
  (x, weight, bias, residual) =>
    linear(x!, weight as Tensor2D, bias as Tensor1D, { ...options, ...(residual && { residual }) })

const perceptron: Operation = (...[x, weight1, bias1, weight2, bias2, residual]) =>
  mlp(
    x!,
    { weight1: weight1 as Tensor2D, bias1: bias1 as Tensor1D, weight2: weight2 as Tensor2D, bias2: bias2 as Tensor1D },
    residual ? { residual } : {},
  )

/** Value and gradients of every input. */
const train = (f: Operation, inputs: Tensor[], dy: Tensor) => tidy(() => [f(...inputs), ...grads(f)(inputs, dy)])

/** Dispatches of what runs. */
function countDispatches(run: () => unknown): number {
  const spy = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups')
  try {
    run()
    return spy.mock.calls.length
  } finally {
    spy.mockRestore()
  }
}

describeWebGPU(() => {
  const size = fc.integer({ min: 1, max: 130 })

  test('linear equals its reference form on any shape and with any options', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        ...([size, size, size, fc.boolean(), fc.boolean(), fc.boolean()] as const),
        async (seed, rows, inputs, outputs, activated, added, frozen) => {
          const random = randomTensors(seed)
          const tensors = [random([rows, inputs]), random([outputs, inputs], 0.2), random([outputs])]
          const options: LinearOptions = {
            ...(activated && { activation: 'gelu' }),
            ...(frozen && { frozenBias: { begin: Math.floor(outputs / 3), end: Math.floor((2 * outputs) / 3) } }),
          }
          await compareModes(linearWith(options), added ? [...tensors, random([rows, outputs])] : tensors, random([rows, outputs]))
        },
      ),
      { numRuns: 3 },
    )
  })

  test('a long depth, summed in parts, equals the reference form', async () => {
    const random = randomTensors(5)
    for (const outputs of [12, 7]) {
      const inputs = [random([1003, 9], 0.1), random([outputs, 9]), random([outputs])]
      await compareModes(linearWith({}), inputs, random([1003, outputs], 0.1))
    }
  })

  test('the perceptron equals its reference form on any shape', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), size, size, size, fc.boolean(), async (seed, rows, width, hidden, added) => {
        const random = randomTensors(seed)
        const tensors = [
          random([rows, width]),
          random([hidden, width], 0.2),
          random([hidden]),
          random([width, hidden], 0.2),
          random([width]),
        ]
        await compareModes(perceptron, added ? [...tensors, random([rows, width])] : tensors, random([rows, width]))
      }),
      { numRuns: 1 },
    )
  })

  test('gelu is exact to float32 on [-8, 8], equals its reference form on any shape, and is 0 and the identity far out', async () => {
    const points = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 250)
    await compareModes((x) => gelu(x!), [tensor1d(points)], randomTensors(1)([4001]))
    const far = gelu(tensor1d([-1e6, -40, 0, 40, 1e6]))
    expect((await valuesOf(far)).map(Math.abs)).toEqual([0, 0, 0, 40, 1e6])
  })

  test('takes 1 dispatch forward and at most 3 backward, options included', () => {
    const random = randomTensors(2)
    const inputs = [random([1100, 64]), random([64, 64]), random([64]), random([1100, 64])]
    const parameters = [random([1100, 64]), random([128, 64]), random([128]), random([64, 128]), random([64]), random([1100, 64])]
    const forward = (operation: Operation, inputs: Tensor[]) => countDispatches(() => tidy(() => void operation(...inputs)))
    const training = (operation: Operation, inputs: Tensor[]) => {
      const dy = random([1100, 64])
      return countDispatches(() => tidy(() => void grads(operation)(inputs, dy)))
    }
    expect(forward(linearWith({}), inputs.slice(0, 3))).toBe(1)
    expect(forward(linearWith({ activation: 'gelu' }), inputs)).toBe(1)
    expect(forward(perceptron, parameters)).toBe(2)
    expect(training(linearWith({ frozenBias: { begin: 0, end: 9 } }), inputs)).toBe(1 + 3)
    expect(training(perceptron, parameters)).toBe(2 + 6)
  })

  test('leaves no tensors and no buffers behind', async () => {
    const random = randomTensors(3)
    const inputs = [random([600, 8]), random([16, 8]), random([16]), random([8, 16]), random([8]), random([600, 8])]
    const dy = random([600, 8])
    const step = async () => {
      const outputs = train(perceptron, inputs, dy)
      await Promise.all(outputs.map(valuesOf))
      dispose(outputs)
      const { numTensors, numDataBuffers } = memory()
      return { numTensors, numDataBuffers }
    }
    expect(await step()).toEqual(await step())
    dispose([inputs, dy])
  })

  test('a batch of no rows gives no rows, and zeros for the parameters', async () => {
    const random = randomTensors(4)
    const inputs = [zeros([0, 3]), random([5, 3]), random([5])]
    const [value, ...gradients] = train(linearWith({}), inputs, zeros([0, 5]))
    expect(value!.shape).toEqual([0, 5])
    for (const [i, gradient] of gradients.entries()) await expectClose(gradient, zeros(inputs[i]!.shape), 0, `gradient ${i}`)
  })

  test('tensors that are not float32 are refused', () => {
    expect(() => gelu(tensor1d([1, 2], 'int32'))).toThrow('the webgpu kernels take float32 tensors, got int32')
  })
})
