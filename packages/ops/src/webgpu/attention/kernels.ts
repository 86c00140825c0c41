import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { forwardProgram, keyGradientProgram, queryGradientProgram } from './programs.js'
import { SIDE, TILE } from './tile.js'

/** Workgroup memory of the gradients with chunks of as many vectors as a side has threads. Devices promise 16 KiB only, in which chunks of six fit. */
const WORKGROUP_BYTES = 19_456
const SMALL_CHUNK = 6

export function attentionKernels(backend: WebGPUBackend): Kernels {
  const most = backend.device.limits.maxComputeWorkgroupStorageSize < WORKGROUP_BYTES ? SMALL_CHUNK : SIDE
  return kernelSet(backend, {
    LearngeneAttention({ qkv }, attributes) {
      const { images, tokens, heads, headWidth, count } = sizes(qkv!, attributes)
      const [y, saved] = [newTensor(backend, [images, tokens, heads * headWidth]), newTensor(backend, [images, heads, tokens])]
      if (count * headWidth === 0) return [withZeros(backend, y), withZeros(backend, saved)]
      dispatch(backend, forwardProgram(headWidth), { qkv: qkv!, y, saved }, { tokens, heads, count }, grid(count))
      return [y, saved]
    },

    LearngeneAttentionGrad({ qkv, y, saved, dy }, attributes) {
      const { images, tokens, heads, headWidth, count } = sizes(qkv!, attributes)
      const dqkv = newTensor(backend, qkv!.shape)
      if (count * headWidth === 0) return [withZeros(backend, dqkv)]
      const delta = newTensor(backend, [images, heads, tokens])
      const tensors = { qkv: qkv!, y: y!, saved: saved!, dy: dy!, delta, dqkv }
      const uniforms = { tokens, heads, count }
      dispatch(backend, queryGradientProgram(headWidth, most), tensors, uniforms, grid(count))
      dispatch(backend, keyGradientProgram(headWidth, most), tensors, uniforms, grid(count))
      backend.disposeData(delta.dataId)
      return [dqkv]
    },
  })
}

function sizes(qkv: TensorInfo, attributes: NamedAttrMap) {
  const [images, tokens, packed] = qkv.shape as [number, number, number]
  const heads = attributes.heads as number
  return { images, tokens, heads, headWidth: packed / 3 / heads, count: images * heads * Math.ceil(tokens / TILE) }
}
