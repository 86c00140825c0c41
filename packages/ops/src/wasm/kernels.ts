import { getKernel, type KernelFunc, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core'
import { ADAMW_COLUMNS, type AdamWConstants } from '../adamw.js'
import type { KernelName } from '../kernels.js'
import { addressOf, outOfMemory, type WasmBackend, withScratch } from './backend.js'
import type { WasmModule } from './module.js'

type Inputs = { readonly [name: string]: TensorInfo }
type Run = (inputs: Inputs, attributes: NamedAttrMap) => TensorInfo | TensorInfo[]

/** The kernels of this package for one wasm backend, in the signatures that KernelName documents. */
export function wasmKernels(backend: WasmBackend, module: WasmModule): { readonly [Name in KernelName]?: KernelFunc } {
  const at = (tensor: TensorInfo | undefined) => {
    if (tensor?.dtype !== 'float32') throw new Error(`the wasm kernels take float32 tensors, got ${tensor?.dtype}`)
    return addressOf(backend, tensor)
  }
  const output = (shape: readonly number[]) => {
    const tensor = backend.makeOutput([...shape], 'float32')
    if (at(tensor) === 0) {
      backend.disposeData(tensor.dataId)
      throw outOfMemory(4 * sizeOf(shape))
    }
    return tensor
  }
  const sum = (a: TensorInfo, b: TensorInfo) => getKernel('Add', 'wasm').kernelFunc({ inputs: { a, b }, backend }) as TensorInfo
  const kernels: { readonly [Name in KernelName]?: Run } = {
    LearngeneLinear({ x, weight, bias, residual }, { activation, keepPreActivation }) {
      const [rows, inputs] = shapeOf(x)
      const [outputs] = shapeOf(weight)
      const affine = output([rows, outputs])
      const biasAt = bias === undefined ? 0 : at(bias)
      module.product(rows, outputs, inputs, at(x), inputs, false, at(weight), inputs, true, at(affine), outputs, biasAt)
      const activated = activation === 'gelu' ? output([rows, outputs]) : affine
      if (activated !== affine) module.gelu(rows * outputs, at(affine), at(activated))
      const y = residual === undefined ? activated : sum(activated, residual)
      const kept = keepPreActivation ? affine : y
      for (const tensor of new Set([affine, activated])) if (tensor !== y && tensor !== kept) backend.disposeData(tensor.dataId)
      return keepPreActivation ? [y, affine] : y
    },

    LearngeneLinearGrad({ x, weight, dy, preActivation }, { inputGradient, frozenBias }) {
      const [rows, inputs] = shapeOf(x)
      const [outputs] = shapeOf(weight)
      const dWeight = output([outputs, inputs])
      const dBias = output([outputs])
      module.product(outputs, inputs, rows, at(dy), outputs, true, at(x), inputs, false, at(dWeight), inputs, 0)
      module.columnSums(rows, outputs, at(dy), at(dBias))
      if (frozenBias) backend.typedArrayFromHeap(dBias).fill(0, ...(frozenBias as [number, number]))
      if (!inputGradient) return [dWeight, dBias]
      const dx = output([rows, inputs])
      module.product(rows, inputs, outputs, at(dy), outputs, false, at(weight), inputs, false, at(dx), inputs, 0)
      if (preActivation) module.geluGradient(rows * inputs, at(preActivation), at(dx), at(dx))
      return [dWeight, dBias, dx]
    },

    LearngeneBatchProduct({ a, b }, { transposeA, transposeB }) {
      const [matrices, aRows, aColumns] = a!.shape as [number, number, number]
      const [, bRows, bColumns] = b!.shape as [number, number, number]
      const [rows, depth] = transposeA ? [aColumns, aRows] : [aRows, aColumns]
      const columns = transposeB ? bRows : bColumns
      const products = output([matrices, rows, columns])
      for (let g = 0; g < matrices; g++) {
        const [left, right] = [at(a) + 4 * g * rows * depth, at(b) + 4 * g * depth * columns]
        const to = at(products) + 4 * g * rows * columns
        // Of X^T X the upper half is computed, by panels of rows.
        const panel = transposeA && !transposeB && a!.dataId === b!.dataId ? GRAM_PANEL : rows
        for (let row = 0; row < rows; row += panel) {
          const first = panel < rows ? row : 0
          const [height, width] = [Math.min(panel, rows - row), columns - first]
          const [a, b, c] = [left + 4 * first, right + 4 * first, to + 4 * (row * columns + first)]
          module.product(height, width, depth, a, aColumns, !!transposeA, b, bColumns, !!transposeB, c, columns, 0)
        }
        if (panel < rows) mirror(backend.typedArrayFromHeap(products).subarray(g * rows * rows, (g + 1) * rows * rows), rows)
      }
      return products
    },

    LearngeneGelu({ x }) {
      const y = output(x!.shape)
      module.gelu(sizeOf(y.shape), at(x), at(y))
      return y
    },

    LearngeneGeluGrad({ x, dy }) {
      const dx = output(x!.shape)
      module.geluGradient(sizeOf(dx.shape), at(x), at(dy), at(dx))
      return dx
    },

    LearngeneLayerNorm({ x, gamma, beta }, { epsilon }) {
      const [rows, width] = shapeOf(x)
      const y = output([rows, width])
      const statistics = output([rows, 2])
      module.layerNorm(rows, width, at(x), at(gamma), at(beta), epsilon as number, at(y), at(statistics))
      return [y, statistics]
    },

    LearngeneLayerNormGrad({ x, gamma, statistics, dy, dSkip }) {
      const [rows, width] = shapeOf(x)
      const dx = output([rows, width])
      const dGamma = output([width])
      const dBeta = output([width])
      const skipAt = dSkip === undefined ? 0 : at(dSkip)
      module.layerNormGradient(rows, width, at(x), at(gamma), at(statistics), at(dy), skipAt, at(dx), at(dGamma), at(dBeta))
      return [dx, dGamma, dBeta]
    },

    LearngeneAttention({ qkv }, attributes) {
      const { images, tokens, heads, headWidth } = attentionSizes(qkv, attributes)
      const y = output([images, tokens, heads * headWidth])
      const statistics = output([images, heads, tokens, 2])
      withScratch(backend, 4 * tokens * tokens, (scores) =>
        module.attention(images, tokens, heads, headWidth, at(qkv), at(y), at(statistics), scores),
      )
      return [y, statistics]
    },

    LearngeneAttentionGrad({ qkv, saved, dy }, attributes) {
      const { images, tokens, heads, headWidth } = attentionSizes(qkv, attributes)
      const dqkv = output(qkv!.shape)
      withScratch(backend, 8 * tokens * tokens, (scratch) =>
        module.attentionGradient(images, tokens, heads, headWidth, at(qkv), at(saved), at(dy), at(dqkv), scratch),
      )
      return dqkv
    },

    LearngeneSumOfSquares(inputs) {
      const total = Object.values(inputs).reduce((sum, x) => sum + module.sumOfSquares(sizeOf(x.shape), at(x)), 0)
      const result = output([])
      backend.typedArrayFromHeap(result)[0] = total
      return result
    },

    LearngeneAdamW({ scalars, parameter, gradient, m, v }, attributes) {
      const { row, beta1, beta2, epsilon } = attributes as unknown as AdamWConstants & { row: number }
      const table = backend.readSync(scalars!.dataId) as Float32Array
      const numbers = table.subarray(ADAMW_COLUMNS * row)
      const factor = table[table.length / 2 + ADAMW_COLUMNS * row]!
      if (factor === 0) return [parameter, m, v].map((kept) => again(backend, kept!))
      const [learningRate, shrink, mCorrection, vCorrection] = numbers as unknown as [number, number, number, number]
      const shape = parameter!.shape
      const next = [output(shape), output(shape), output(shape)] as const
      module.adamW(
        sizeOf(shape),
        ...([at(parameter), at(gradient), at(m), at(v)] as const),
        ...([at(next[0]), at(next[1]), at(next[2])] as const),
        factor,
        ...([beta1, 1 - beta1, beta2, 1 - beta2, shrink] as const),
        learningRate * mCorrection,
        Math.sqrt(vCorrection),
        epsilon,
      )
      return [...next]
    },
  }
  return Object.fromEntries(
    Object.entries(kernels).map(([name, run]): [string, KernelFunc] => [name, ({ inputs, attrs }) => run(inputs as Inputs, attrs ?? {})]),
  ) as { [Name in KernelName]?: KernelFunc }
}

/** Rows of a Gram matrix that are computed at once: of its [512, 512], 5/8. */
const GRAM_PANEL = 128

/** Writes the upper half of a square matrix into the lower, tile by tile. */
function mirror(matrix: { [at: number]: number }, rows: number): void {
  const tile = 32
  for (let top = 0; top < rows; top += tile) {
    for (let first = 0; first <= top; first += tile) {
      for (let row = top; row < Math.min(top + tile, rows); row++) {
        for (let column = first; column < Math.min(first + tile, row); column++) matrix[row * rows + column] = matrix[column * rows + row]!
      }
    }
  }
}

/** The same tensor once more, as an output. */
function again(backend: WasmBackend, { dataId, shape, dtype }: TensorInfo): TensorInfo {
  backend.incRef(dataId)
  return { dataId, shape, dtype }
}

function sizeOf(shape: readonly number[]): number {
  return util.sizeFromShape([...shape])
}

function shapeOf(matrix: TensorInfo | undefined): [rows: number, columns: number] {
  return matrix!.shape as [number, number]
}

function attentionSizes(qkv: TensorInfo | undefined, { heads }: NamedAttrMap) {
  const [images, tokens, packed] = qkv!.shape as [number, number, number]
  return { images, tokens, heads: heads as number, headWidth: packed / 3 / (heads as number) }
}
