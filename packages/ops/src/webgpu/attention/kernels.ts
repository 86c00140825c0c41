import type { NamedAttrMap, TensorInfo } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor, type Program } from '../dispatch.js'
import { type Kernels, kernelSet, withZeros } from '../kernel-set.js'
import { piecesOf } from '../pieces.js'
import { laneForwardProgram, laneKeyGradientProgram, laneQueryGradientProgram } from './lane-programs.js'
import { laneShapeOf, ownRows } from './lanes.js'
import { SIDE, TILE } from './tile.js'
import { forwardProgram, keyGradientProgram, queryGradientProgram } from './tile-programs.js'

/** The programs for heads of a width on a device, and how many rows a workgroup of theirs owns. */
interface Programs {
  readonly own: number
  readonly forward: () => Program
  readonly queryGradient: () => Program
  readonly keyGradient: () => Program
}

export function attentionKernels(backend: WebGPUBackend): Kernels {
  return kernelSet(backend, {
    LearngeneAttention({ qkv }, attributes) {
      const { images, tokens, heads, headWidth } = sizes(qkv!, attributes)
      const [y, saved] = [newTensor(backend, [images, tokens, heads * headWidth]), newTensor(backend, [images, heads, tokens])]
      if (images * tokens * heads * headWidth === 0) return [withZeros(backend, y), withZeros(backend, saved)]
      const { own, forward } = programsFor(backend, headWidth)
      for (const piece of piecesOf(backend, images, { qkv: qkv!, y, saved })) {
        const count = piece.count * heads * Math.ceil(tokens / own)
        dispatch(backend, forward(), piece.tensors, { tokens, heads, count }, grid(count))
      }
      return [y, saved]
    },

    LearngeneAttentionGrad({ qkv, y, saved, dy }, attributes) {
      const { images, tokens, heads, headWidth } = sizes(qkv!, attributes)
      const dqkv = newTensor(backend, qkv!.shape)
      if (images * tokens * heads * headWidth === 0) return [withZeros(backend, dqkv)]
      const { own, queryGradient, keyGradient } = programsFor(backend, headWidth)
      const delta = newTensor(backend, [images, heads, tokens])
      for (const { count: some, tensors } of piecesOf(backend, images, { qkv: qkv!, y: y!, saved: saved!, dy: dy!, delta, dqkv })) {
        const count = some * heads * Math.ceil(tokens / own)
        dispatch(backend, queryGradient(), tensors, { tokens, heads, count }, grid(count))
        dispatch(backend, keyGradient(), tensors, { tokens, heads, count }, grid(count))
      }
      backend.disposeData(delta.dataId)
      return [dqkv]
    },
  })
}

function sizes(qkv: TensorInfo, attributes: NamedAttrMap) {
  const [images, tokens, packed] = qkv.shape as [number, number, number]
  const heads = attributes.heads as number
  return { images, tokens, heads, headWidth: packed / 3 / heads }
}

/** Workgroup memory of the gradients by tiles with chunks of as many vectors as a side has threads. Devices promise 16 KiB only, in which chunks of six fit. */
const WORKGROUP_BYTES = 19_456
const SMALL_CHUNK = 6

/** By lanes of subgroups where the device has them; by tiles in workgroup memory, which any device can, elsewhere and for wide heads. */
function programsFor(backend: WebGPUBackend, headWidth: number): Programs {
  const { device } = backend
  const shape = laneShapeOf(headWidth, device)
  if (shape) {
    return {
      own: ownRows(shape),
      forward: () => laneForwardProgram(headWidth, shape),
      queryGradient: () => laneQueryGradientProgram(headWidth, shape),
      keyGradient: () => laneKeyGradientProgram(headWidth, shape),
    }
  }
  const most = device.limits.maxComputeWorkgroupStorageSize < WORKGROUP_BYTES ? SMALL_CHUNK : SIDE
  return {
    own: TILE,
    forward: () => forwardProgram(headWidth),
    queryGradient: () => queryGradientProgram(headWidth, most),
    keyGradient: () => keyGradientProgram(headWidth, most),
  }
}
