import { type KernelFunc, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core'
import type { KernelName } from '../kernels.js'
import type { WebGPUBackend } from './backend.js'

export type Inputs = { readonly [name: string]: TensorInfo }
export type Run = (inputs: Inputs, attributes: NamedAttrMap) => TensorInfo[]
export type Kernels = { readonly [name in KernelName]?: KernelFunc }

/** As TensorFlow.js's registry wants them; they refuse tensors that are not float32. */
export function kernelSet(runs: { readonly [name in KernelName]?: Run }): Kernels {
  return Object.fromEntries(
    Object.entries(runs).map(([name, run]): [string, KernelFunc] => {
      return [name, ({ inputs, attrs }) => run(floats(inputs as Inputs), attrs ?? {})]
    }),
  )
}

/** Gives a tensor that no dispatch writes, since there is nothing to compute it from, its values. */
export function withZeros(backend: WebGPUBackend, tensor: TensorInfo): TensorInfo {
  backend.tensorMap.get(tensor.dataId).values = new Float32Array(util.sizeFromShape(tensor.shape))
  return tensor
}

function floats(inputs: Inputs): Inputs {
  for (const { dtype } of Object.values(inputs)) {
    if (dtype !== 'float32') throw new Error(`the webgpu kernels take float32 tensors, got ${dtype}`)
  }
  return inputs
}
