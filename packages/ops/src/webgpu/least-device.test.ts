import '../gradients.js'
import '../webgpu.js'
import { expectClose, randomTensors, TOLERANCES } from '@learngene/testing'
import {
  add,
  dispose,
  engine,
  grads,
  neg,
  scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor2d,
  tidy,
  type Variable,
  variable,
  zeros,
} from '@tensorflow/tfjs-core'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { adamW, adamWRow } from '../adamw.js'
import { attention } from '../attention.js'
import { crossEntropy, softenedCrossEntropy } from '../cross-entropy.js'
import { findKernel, setOps } from '../kernels.js'
import { layerNorm, layerNormWithSkip } from '../layer-norm.js'
import { linear } from '../linear.js'
import { meanSquaredError } from '../mean-squared-error.js'
import { mlp } from '../mlp.js'
import { normalisePixels, packPixels } from '../pixels.js'
import { LEAST_LIMITS, startLeastDevice } from '../testing/least-device.js'

type Operation = (...inputs: Tensor[]) => Tensor

const map: Operation = (x, weight, bias, residual) =>
  linear(x!, weight as Tensor2D, bias as Tensor1D, { activation: 'gelu', residual: residual!, frozenBias: { begin: 1, end: 3 } })
const perceptron: Operation = (...[x, weight1, bias1, weight2, bias2, residual]) =>
  mlp(
    x!,
    { weight1: weight1 as Tensor2D, bias1: bias1 as Tensor1D, weight2: weight2 as Tensor2D, bias2: bias2 as Tensor1D },
    { residual: residual! },
  )
const norm: Operation = (x, gamma, beta) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D)
const normWithSkip: Operation = (x, gamma, beta) => {
  const { skip, normalised } = layerNormWithSkip(x!, gamma as Tensor1D, beta as Tensor1D)
  return add(skip, normalised)
}
const softened: Operation = (logits, targets) =>
  softenedCrossEntropy(logits as Tensor2D, targets as Tensor2D, { temperature: 2, factor: 4, lessEntropy: true })

/** Every family with odd sizes; attention in one chunk of a head and in several. */
const FAMILIES: readonly [name: string, f: Operation, inputs: readonly number[][], result: readonly number[]][] = [
  ['linear', map, [[67, 35], [41, 35], [41], [67, 41]], [67, 41]],
  [
    'linear of many rows, its gradient in parts',
    (x, w, b) => linear(x!, w as Tensor2D, b as Tensor1D),
    [[1003, 9], [7, 9], [7]],
    [1003, 7],
  ],
  ['perceptron', perceptron, [[33, 12], [48, 12], [48], [12, 48], [12], [33, 12]], [33, 12]],
  ['layer norm', norm, [[37, 129], [129], [129]], [37, 129]],
  ['layer norm with a skip connection', normWithSkip, [[37, 132], [132], [132]], [37, 132]],
  ['attention', (qkv) => attention(qkv as Tensor3D, 2), [[2, 37, 2 * 3 * 20]], [2, 37, 40]],
  ['attention of wide heads', (qkv) => attention(qkv as Tensor3D, 1), [[1, 35, 3 * 64]], [1, 35, 64]],
  ['softened cross entropy', softened, [[5, 300]], [5]],
  ['mean squared error', (x) => meanSquaredError(x!, zeros(x!.shape)), [[3, 1025]], [3]],
]

const started = await startLeastDevice()
const values = (f: Operation, inputs: readonly Tensor[], dy: Tensor) => tidy(() => [f(...inputs), ...grads(f)([...inputs], dy)])

describe.skipIf(!started)(`on a device with what WebGPU promises and no more${started ? '' : ' (there is no adapter)'}`, () => {
  const { backend, errors } = started ?? ({} as NonNullable<typeof started>)
  beforeEach(() => engine().startScope())
  afterEach(async () => {
    setOps('auto')
    await neg(scalar(0)).data()
    engine().endScope()
    expect(errors.splice(0)).toEqual([])
  })
  afterAll(() => backend.device.destroy())

  /** In our kernels, of which there must be some, and in the reference form. */
  async function compare(f: Operation, inputs: readonly Tensor[], dy: Tensor): Promise<void> {
    const results = (['reference', 'auto'] as const).map((mode) => {
      setOps(mode)
      return values(f, inputs, dy)
    })
    for (const [i, actual] of results[1]!.entries()) await expectClose(actual, results[0]![i]!, TOLERANCES.webgpu.kernel, `tensor ${i}`)
    dispose(results)
  }

  test('has these limits, and no features', () => {
    for (const [name, value] of Object.entries(LEAST_LIMITS))
      expect(backend.device.limits[name as keyof GPUSupportedLimits], name).toBe(value)
    expect(backend.device.features.has('subgroups')).toBe(false)
    expect(backend.device.features.has('shader-f16')).toBe(false)
    for (const name of ['LearngeneLinearGrad', 'LearngeneAttentionGrad', 'LearngeneLayerNormGrad', 'LearngeneAdamWSlots'] as const)
      expect(findKernel(name), name).toBeDefined()
  })

  test.each(FAMILIES)('%s equals its reference form', async (_, f, shapes, result) => {
    const random = randomTensors(1)
    const targets = random([5, 300])
    const operation: Operation = f === softened ? (logits) => f(logits!, targets) : f
    await compare(
      operation,
      shapes.map((shape) => random(shape)),
      random([...result]),
    )
  })

  test('cross entropy equals its reference form', async () => {
    const random = randomTensors(2)
    const targets = random<Tensor2D>([3, 10])
    await compare((logits) => crossEntropy(logits as Tensor2D, targets), [random([3, 10])], random([3]))
  })

  test('AdamW updates a parameter a dispatch', async () => {
    const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    const results = (['reference', 'auto'] as const).map((mode) => {
      setOps(mode)
      const random = randomTensors(3)
      const slots = [5, 1025, 3].map((size, row) => {
        const [parameter, m, v] = [random([size]), random([size]), zeros([size])].map((value) => variable(value)) as [
          Variable,
          Variable,
          Variable,
        ]
        return { parameter, gradient: random([size]), m, v, row }
      })
      const decays = [0.1, 0.2, 0.3]
      const rows = decays.map((weightDecay, step) => adamWRow({ learningRate: 0.01, weightDecay, step: step + 1 }, constants))
      const scalars = tensor2d([...rows, ...rows.map(() => [1, 0, 0, 0])])
      // The first step copies variables whose buffers others share.
      adamW(slots, scalars, constants)
      const spy = vi.spyOn(GPUComputePassEncoder.prototype, 'dispatchWorkgroups')
      adamW(slots, scalars, constants)
      const dispatches = spy.mock.calls.length
      spy.mockRestore()
      if (mode === 'auto') expect(dispatches).toBe(3)
      return slots.map(({ parameter }) => parameter)
    })
    for (const [i, actual] of results[1]!.entries()) await expectClose(actual, results[0]![i]!, TOLERANCES.webgpu.kernel, `parameter ${i}`)
    dispose(results)
  })

  test('pixels', async () => {
    const pixels = Uint8Array.from({ length: 2 * 3 * 3 * 3 }, (_, i) => (i * 37) % 256)
    const packed = packPixels(pixels)
    const normalisation = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] }
    const actual = normalisePixels(packed, [2, 3, 3, 3], normalisation)
    const expected = Float32Array.from(pixels, (pixel, i) => (pixel / 255 - normalisation.mean[i % 3]!) / normalisation.std[i % 3]!)
    await expectClose(actual, expected, TOLERANCES.webgpu.kernel)
  })
})
