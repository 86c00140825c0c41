import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { forwardProgram, keyGradientProgram, queryGradientProgram } from './programs.js'
import { TILE } from './tile.js'

/** Of the gradient of keys, the largest of the programs; devices promise 16 KiB only, though nearly all have 32. */
const WORKGROUP_BYTES = 27_648

/** None for devices with too little workgroup memory: they run the reference form. */
export function attentionKernels(backend: WebGPUBackend): Kernels {
  if (backend.device.limits.maxComputeWorkgroupStorageSize < WORKGROUP_BYTES) return {}
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
      dispatch(backend, queryGradientProgram(headWidth), tensors, uniforms, grid(count))
      dispatch(backend, keyGradientProgram(headWidth), tensors, uniforms, grid(count))
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
