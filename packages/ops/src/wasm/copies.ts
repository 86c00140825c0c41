import { backend_util, type KernelFunc, type NamedAttrMap, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core'
import { addressOf, type WasmBackend } from './backend.js'
import type { WasmModule } from './module.js'

type Stock = { readonly [Name in CopyKernelName]: KernelFunc }
type CopyKernelName = (typeof COPY_KERNELS)[number]

/**
 * Kernels of the backend that copy more than they must: Identity (clones, and so every tensor saved for a gradient) copies although
 * tensors are immutable and counted; Slice, SplitV and Unpack copy their whole input out of the memory for each piece.
 */
export const COPY_KERNELS = ['Identity', 'Slice', 'SplitV', 'Unpack'] as const

/** The same kernels without the needless copies. What they do not cover goes to the stock kernel. */
export function copyKernels(backend: WasmBackend, module: WasmModule, stock: Stock): Stock {
  const alias = (x: TensorInfo, shape = x.shape): TensorInfo => {
    backend.incRef(x.dataId)
    return { dataId: x.dataId, shape, dtype: x.dtype }
  }

  /** Elements begin .. begin + size of one axis. */
  const cut = (x: TensorInfo, axis: number, begin: number, size: number, shape: number[]): TensorInfo => {
    const piece = backend.makeOutput(shape, x.dtype)
    const rows = util.sizeFromShape(x.shape.slice(0, axis))
    const inner = util.sizeFromShape(x.shape.slice(axis + 1)) * util.bytesPerElement(x.dtype)
    const source = addressOf(backend, x) + begin * inner
    module.copyRows(rows, size * inner, source, x.shape[axis]! * inner, addressOf(backend, piece), size * inner)
    return piece
  }

  return {
    Identity(call) {
      const x = input(call.inputs.x)
      return x.dtype === 'string' ? stock.Identity(call) : alias(x)
    },

    Slice(call) {
      const x = input(call.inputs.x)
      const attributes = call.attrs as NamedAttrMap & { begin: number[]; size: number[] }
      const [begin, size] = slice_util.parseSliceParams(x, attributes.begin, attributes.size) as [number[], number[]]
      const cutAxes = x.shape.flatMap((length, axis) => (size[axis] === length ? [] : [axis]))
      if (x.dtype === 'string' || cutAxes.length > 1) return stock.Slice(call)
      const axis = cutAxes[0]
      return axis === undefined ? alias(x) : cut(x, axis, begin[axis]!, size[axis]!, size)
    },

    SplitV(call) {
      const x = input(call.inputs.x)
      if (x.dtype === 'string') return stock.SplitV(call)
      const attributes = call.attrs as NamedAttrMap & { numOrSizeSplits: number[] | number; axis: number }
      const axis = util.parseAxisParam(attributes.axis, x.shape)[0]!
      let begin = 0
      return backend_util.prepareSplitSize(x as never, attributes.numOrSizeSplits, axis).map((size) => {
        const piece = cut(x, axis, begin, size, x.shape.with(axis, size))
        begin += size
        return piece
      })
    },

    Unpack(call) {
      const x = input(call.inputs.value)
      if (x.dtype === 'string') return stock.Unpack(call)
      const axis = util.parseAxisParam((call.attrs as NamedAttrMap & { axis: number }).axis, x.shape)[0]!
      const shape = x.shape.toSpliced(axis, 1)
      return Array.from({ length: x.shape[axis]! }, (_, i) => cut(x, axis, i, 1, shape))
    },
  }
}

function input(tensor: unknown): TensorInfo {
  return tensor as TensorInfo
}
