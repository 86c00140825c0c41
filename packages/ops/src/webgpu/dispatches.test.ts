import { randomTensors } from '@learngene/testing'
import {
  abs,
  add,
  dispose,
  engine,
  grads,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  type Tensor4D,
  tidy,
  variable,
} from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { adamW } from '../adamw.js'
import { attention } from '../attention.js'
import { crossEntropy, softenedCrossEntropy } from '../cross-entropy.js'
import { layerNorm, layerNormWithSkip } from '../layer-norm.js'
import { meanSquaredError } from '../mean-squared-error.js'
import { patchify } from '../patchify.js'
import { describeWebGPU } from '../testing/compare-modes.js'
import type { WebGPUBackend } from './backend.js'

type Operation = (...inputs: Tensor[]) => Tensor

/** Dispatches of a function, as the compute passes of the backend get them. */
function countDispatches(run: () => void): number {
  const backend = engine().backend as WebGPUBackend
  const pass = Object.getPrototypeOf(backend.device.createCommandEncoder().beginComputePass()) as GPUComputePassEncoder
  const original = pass.dispatchWorkgroups
  let count = 0
  pass.dispatchWorkgroups = function (...sizes) {
    count++
    return original.apply(this, sizes)
  }
  try {
    run()
  } finally {
    pass.dispatchWorkgroups = original
  }
  return count
}

/** Forward; forward and backward of all inputs. */
function countsOf(f: Operation, inputs: Tensor[]): [forward: number, both: number] {
  const forward = countDispatches(() => tidy(() => void f(...inputs)))
  const y = f(...inputs)
  return [forward, countDispatches(() => tidy(() => void grads(f)(inputs, y)))]
}

const random = randomTensors(1)
const norm: Operation = (x, gamma, beta) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D)
const withSkip: Operation = (x, gamma, beta) => {
  const { skip, normalised } = layerNormWithSkip(x!, gamma as Tensor1D, beta as Tensor1D)
  return add(skip, normalised)
}
const softened: Operation = (z) => softenedCrossEntropy(z as Tensor2D, random([4, 10]), { temperature: 2, factor: 4, lessEntropy: true })

describeWebGPU(() => {
  test.each<[string, Operation, number[][], [number, number]]>([
    ['layerNorm', norm, [[6, 8], [8], [8]], [1, 3]],
    ['layerNormWithSkip and the addition behind it', withSkip, [[6, 8], [8], [8]], [2, 4]],
    ['attention', (qkv) => attention(qkv as Tensor3D, 2), [[2, 5, 24]], [1, 3]],
    ['crossEntropy', (z) => crossEntropy(z as Tensor2D, random([4, 10])), [[4, 10]], [1, 2]],
    ['softenedCrossEntropy', softened, [[4, 10]], [1, 2]],
    ['meanSquaredError', (x) => meanSquaredError(x!, random([4, 3000])), [[4, 3000]], [1, 2]],
    ['meanSquaredError of large examples', (x) => meanSquaredError(x!, random([2, 4100])), [[2, 4100]], [2, 3]],
    ['patchify', (x) => patchify(x as Tensor4D, 4), [[2, 8, 8, 3]], [1, 2]],
  ])('%s takes few dispatches', (_, f, shapes, expected) => {
    const inputs = shapes.map((shape) => random(shape))
    expect(countsOf(f, inputs)).toEqual(expected)
  })
  test('adamW takes one dispatch for as many parameters as the device has storage buffers for', () => {
    const slots = Array.from({ length: 7 }, (_, row) => {
      const [parameter, m, v] = [variable(random([5])), variable(random([5])), variable(abs(random([5])))] as const
      return { parameter, gradient: random([5]), m, v, row }
    })
    const scalars = abs(random<Tensor2D>([14, 4]))
    const constants = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    adamW(slots, scalars, constants) // the first step gives each variable a buffer of its own
    const { maxStorageBuffersPerShaderStage } = (engine().backend as WebGPUBackend).device.limits
    expect(countDispatches(() => adamW(slots, scalars, constants))).toBe(
      Math.ceil(7 / Math.floor((maxStorageBuffersPerShaderStage - 1) / 4)),
    )
    dispose(slots.flatMap(({ parameter, m, v }) => [parameter, m, v]))
  })
})
