import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor, type Program } from '../dispatch.js'
import type { Epilogue } from './epilogue.js'
import { matrixUnitOf } from './matrix-unit.js'
import { MIXED_TILES, mixedProductProgram } from './mixed-product.js'
import type { Operand } from './operand.js'
import { PARTS_THREADS, partsProgram, productProgram } from './product.js'
import { choosePlan, TILES, type TileSize } from './tile.js'

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
  /** Mixed precision multiplies left by it before it rounds, and divides the result by it: a power of two that lifts small values above float16's smallest. */
  readonly scale?: number
}

/** result [rows, columns] = epilogue(left right), in one dispatch. */
export function multiply(
  backend: WebGPUBackend,
  left: Factor,
  right: Factor,
  result: TensorInfo,
  { bias, residual, preActivation, kept, gelu = false, scale = 1 }: Extras = {},
): void {
  const [rows, columns] = result.shape as [number, number]
  const epilogue = {
    bias: bias !== undefined,
    keep: kept !== undefined,
    gelu,
    geluDerivative: preActivation !== undefined,
    residual: residual !== undefined,
  }
  const { program, depth, groups } = plan(backend, left, right, result, epilogue, false)
  const tensors = { left: left.matrix, right: right.matrix, result, ...present({ bias, residual, pre_activation: preActivation, kept }) }
  dispatch(backend, program, tensors, { rows, columns, depth, share: depth, scale }, groups)
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
  { frozen = { begin: 0, end: 0 }, scale = 1 }: { readonly frozen?: FrozenRows; readonly scale?: number } = {},
): void {
  const [rows, columns] = result.shape as [number, number]
  const wide = columns % 4 === 0
  const { program, depth, parts, share, groups } = plan(backend, left, right, result, {}, true)
  const uniforms = { rows, columns, depth, share, scale, frozen_begin: frozen.begin, frozen_end: frozen.end }
  const into = (result: TensorInfo, sums: TensorInfo) =>
    dispatch(backend, program, { left: left.matrix, right: right.matrix, result, sums }, uniforms, groups)
  if (parts === 1) {
    into(result, sums)
    return
  }
  const [partial, partialSums] = [newTensor(backend, [parts, rows, columns]), newTensor(backend, [parts, rows])]
  into(partial, partialSums)
  const n = (rows * columns) / (wide ? 4 : 1)
  const partsGroups = grid(Math.ceil((n + rows) / PARTS_THREADS))
  dispatch(
    backend,
    partsProgram(wide),
    { parts: partial, part_sums: partialSums, result, sums },
    { count: parts, n, rows, stride: partsGroups[0] * PARTS_THREADS },
    partsGroups,
  )
  backend.disposeData(partial.dataId)
  backend.disposeData(partialSums.dataId)
}

/** The program for a product at the precision asked for, and how its work is cut; into parts of the depth only where it sums too. */
function plan(backend: WebGPUBackend, left: Factor, right: Factor, result: TensorInfo, epilogue: Epilogue, sums: boolean) {
  const [rows, columns] = result.shape as [number, number]
  const depth = left.matrix.shape[left.depth === 'rows' ? 0 : 1]!
  const product = { left: operand('left', left), right: operand('right', right), wide: columns % 4 === 0, epilogue, sums }
  const unit = matrixUnitOf(backend)
  const cut = <T extends TileSize>(tiles: readonly T[], programOf: (tile: T) => Program) => {
    const { tile, parts, share } = choosePlan(tiles, rows, columns, depth, sums)
    const groups = [Math.ceil(columns / tile.columns), Math.ceil(rows / tile.rows), parts] as const
    return { program: programOf(tile), depth, parts, share, groups }
  }
  return unit
    ? cut(MIXED_TILES, (tile) => mixedProductProgram(product, tile, unit))
    : cut(TILES, (tile) => productProgram({ ...product, tile }))
}

function operand(name: Operand['name'], { matrix, depth }: Factor): Operand {
  return { name, contiguous: depth === 'columns' ? 'depth' : 'outer', wide: matrix.shape[1]! % 4 === 0 }
}

function present(tensors: { readonly [name: string]: TensorInfo | undefined }): { [name: string]: TensorInfo } {
  return Object.fromEntries(Object.entries(tensors).flatMap(([name, tensor]) => (tensor ? [[name, tensor]] : [])))
}
