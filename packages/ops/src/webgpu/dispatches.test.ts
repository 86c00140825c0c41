import { randomTensors } from '@learngene/testing'
import { engine, grads, type Tensor, type Tensor1D, type Tensor2D, type Tensor3D, type Tensor4D, tidy } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { attention } from '../attention.js'
import { crossEntropy } from '../cross-entropy.js'
import { type OpsMode, setOps } from '../kernels.js'
import { layerNorm } from '../layer-norm.js'
import { meanSquaredError } from '../mean-squared-error.js'
import { patchify } from '../patchify.js'
import { softenedCrossEntropy } from '../softened-cross-entropy.js'
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
function countsOf(mode: OpsMode, f: Operation, inputs: Tensor[]): [forward: number, both: number] {
  setOps(mode)
  const forward = countDispatches(() => tidy(() => void f(...inputs)))
  const y = f(...inputs)
  return [forward, countDispatches(() => tidy(() => void grads(f)(inputs, y)))]
}

const random = randomTensors(1)
const norm: Operation = (x, gamma, beta) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D)
const softened: Operation = (z) => softenedCrossEntropy(z as Tensor2D, random([4, 10]), { temperature: 2, factor: 4, lessEntropy: true })

describeWebGPU(() => {
  test.each<[string, Operation, number[][], [number, number]]>([
    ['layerNorm', norm, [[6, 8], [8], [8]], [1, 3]],
    ['attention', (qkv) => attention(qkv as Tensor3D, 2), [[2, 5, 24]], [1, 3]],
    ['crossEntropy', (z) => crossEntropy(z as Tensor2D, random([4, 10])), [[4, 10]], [1, 2]],
    ['softenedCrossEntropy', softened, [[4, 10]], [1, 2]],
    ['meanSquaredError', (x) => meanSquaredError(x!, random([4, 3000])), [[4, 3000]], [1, 2]],
    ['patchify', (x) => patchify(x as Tensor4D, 4), [[2, 8, 8, 3]], [1, 2]],
  ])('%s takes few dispatches', (name, f, shapes, expected) => {
    const inputs = shapes.map((shape) => random(shape))
    const reference = countsOf('reference', f, inputs)
    console.log(name, 'reference', reference, 'own', countsOf('auto', f, inputs))
    expect(countsOf('auto', f, inputs)).toEqual(expected)
  })
})
