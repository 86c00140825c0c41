import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor } from '../dispatch.js'
import type { Operand } from './operand.js'
import { PARTS_THREADS, partsProgram } from './parts.js'
import { productProgram } from './product.js'
import { chooseSplit, chooseTile, type Tile } from './tile.js'

/** A matrix as a factor of a product, and which of its dimensions is summed over. */
export interface Factor {
  readonly matrix: TensorInfo
  readonly depth: 'rows' | 'columns'
}

/** Tensors of a product's epilogue; see Epilogue. */
export interface Extras {
  readonly bias?: TensorInfo | undefined
  readonly residual?: TensorInfo | undefined
  /** Multiplies the product by the derivative of GELU at these values. */
  readonly preActivation?: TensorInfo | undefined
  /** Receives the values before GELU. */
  readonly kept?: TensorInfo | undefined
  readonly gelu?: boolean
}

/** result [rows, columns] = epilogue(left right), in one dispatch. */
export function multiply(backend: WebGPUBackend, left: Factor, right: Factor, result: TensorInfo, extras: Extras = {}): void {
  const [rows, columns] = result.shape as [number, number]
  const { bias, residual, preActivation, kept, gelu = false } = extras
  const tile = chooseTile(rows, columns)
  const program = productProgram({
    left: operand('left', left),
    right: operand('right', right),
    tile,
    wide: columns % 4 === 0,
    epilogue: {
      bias: bias !== undefined,
      keep: kept !== undefined,
      gelu,
      geluDerivative: preActivation !== undefined,
      residual: residual !== undefined,
    },
    sums: false,
  })
  const depth = depthOf(left)
  const tensors = { left: left.matrix, right: right.matrix, result, ...present({ bias, residual, pre_activation: preActivation, kept }) }
  dispatch(backend, program, tensors, { rows, columns, depth, share: depth }, workgroups(tile, rows, columns, 1))
}

/** Output rows whose sum is zero whatever was computed: from begin to before end. */
export interface FrozenRows {
  readonly begin: number
  readonly end: number
}

/**
 * result [rows, columns] = left right and sums [rows] = the sums of left over the depth. Where the result alone gives the device too little to do, the depth is
 * cut into parts and a second dispatch adds them.
 */
export function multiplyAndSum(
  backend: WebGPUBackend,
  left: Factor,
  right: Factor,
  result: TensorInfo,
  sums: TensorInfo,
  frozen: FrozenRows = { begin: 0, end: 0 },
): void {
  const [rows, columns] = result.shape as [number, number]
  const depth = depthOf(left)
  const wide = columns % 4 === 0
  const { tile, parts, share } = chooseSplit(rows, columns, depth)
  const program = productProgram({ left: operand('left', left), right: operand('right', right), tile, wide, epilogue: {}, sums: true })
  const uniforms = { rows, columns, depth, share, frozen_begin: frozen.begin, frozen_end: frozen.end }
  const into = (result: TensorInfo, sums: TensorInfo) =>
    dispatch(backend, program, { left: left.matrix, right: right.matrix, result, sums }, uniforms, workgroups(tile, rows, columns, parts))
  if (parts === 1) {
    into(result, sums)
    return
  }
  const [partial, partialSums] = [newTensor(backend, [parts, rows, columns]), newTensor(backend, [parts, rows])]
  into(partial, partialSums)
  const n = (rows * columns) / (wide ? 4 : 1)
  const groups = grid(Math.ceil((n + rows) / PARTS_THREADS))
  dispatch(
    backend,
    partsProgram(wide),
    { parts: partial, part_sums: partialSums, result, sums },
    { count: parts, n, rows, stride: groups[0] * PARTS_THREADS },
    groups,
  )
  backend.disposeData(partial.dataId)
  backend.disposeData(partialSums.dataId)
}

function operand(name: Operand['name'], { matrix, depth }: Factor): Operand {
  return { name, contiguous: depth === 'columns' ? 'depth' : 'outer', wide: matrix.shape[1]! % 4 === 0 }
}

const depthOf = ({ matrix, depth }: Factor): number => matrix.shape[depth === 'rows' ? 0 : 1]!

function workgroups(tile: Tile, rows: number, columns: number, parts: number): [number, number, number] {
  return [Math.ceil(columns / tile.columns), Math.ceil(rows / tile.rows), parts]
}

function present(tensors: { readonly [name: string]: TensorInfo | undefined }): { [name: string]: TensorInfo } {
  return Object.fromEntries(Object.entries(tensors).flatMap(([name, tensor]) => (tensor ? [[name, tensor]] : [])))
}
