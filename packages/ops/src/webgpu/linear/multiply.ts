import type { TensorInfo } from '@tensorflow/tfjs-core'
import { getPrecision } from '../../precision.js'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor, type Program, type TensorPart } from '../dispatch.js'
import type { Epilogue } from './epilogue.js'
import { type Halves, isHalf, LARGEST_FLOAT16, sizeOf } from './halves.js'
import { matrixUnitOf } from './matrix-unit.js'
import { mixedProductProgram, mixedTiles } from './mixed-product.js'
import type { Operand } from './operand.js'
import { type ProductShape, planProduct, type TunedPlan } from './planning.js'
import { PARTS_THREADS, type Product, partsProgram, productProgram } from './product.js'
import { FLOAT_TILES, type ProductSize, SLICE, type TileFamily, type TileSize } from './tile.js'

/** A matrix as a factor of a product, of float32 or float16, and which of its dimensions is summed over. */
export interface Factor {
  readonly matrix: TensorInfo
  readonly depth: 'rows' | 'columns'
}

/** How mixed precision keeps factors in the range of float16. */
export interface Range {
  /**
   * Multiplies left before it rounds, and divides the result: a power of two that lifts small values above the smallest. A result of float16 is stored lifted, and its values beyond the largest
   * become `beyond`: as left factor of a product of the same range it stands for what it was made of.
   */
  readonly scale: number
  /** What becomes of values beyond the largest. */
  readonly beyond: number
}

const SATURATED: Range = { scale: 1, beyond: LARGEST_FLOAT16 }

/** Tensors of a product's epilogue; see Epilogue. `preActivation` and `kept` are of the result's kind, float32 or float16. */
export interface Extras {
  readonly bias?: TensorInfo | undefined
  readonly residual?: TensorInfo | undefined
  /** Multiplies the product by the derivative of GELU at these values. */
  readonly preActivation?: TensorInfo | undefined
  /** Receives the values before GELU. */
  readonly kept?: TensorInfo | undefined
  readonly gelu?: boolean
  /** Default saturates. */
  readonly range?: Range
}

/**
 * result [rows, columns] = epilogue(left right), in one dispatch; in several, some rows each, where tensors are larger than what the device binds at once.
 *
 * @param left whose depth is its columns
 */
export function multiply(
  backend: WebGPUBackend,
  left: Factor,
  right: Factor,
  result: TensorInfo,
  { bias, residual, preActivation, kept, gelu = false, range = SATURATED }: Extras = {},
): void {
  const [rows, columns] = sizeOf(result)
  const epilogue = {
    bias: bias !== undefined,
    keep: kept !== undefined,
    gelu,
    geluDerivative: preActivation !== undefined,
    residual: residual !== undefined,
  }
  const [, depth] = sizeOf(left.matrix)
  const halves = { left: isHalf(left.matrix), right: isHalf(right.matrix), result: isHalf(result) }
  const step = rowsAtOnce(backend, rows, [left.matrix, result])
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first)
    const { program, groups } = plan(backend, left, right, { rows: count, columns, depth, divisible: false }, halves, epilogue)
    const some = (tensor?: TensorInfo) => tensor && rowsOf(tensor, first, count)
    const tensors = { left: some(left.matrix), right: right.matrix, result: some(result), bias }
    const extras = { residual: some(residual), pre_activation: some(preActivation), kept: some(kept) }
    dispatch(backend, program, present({ ...tensors, ...extras }), { rows: count, columns, depth, ...range }, groups)
  }
}

/** Output rows whose sum is zero whatever was computed: from begin to before end. */
export interface FrozenRows {
  readonly begin: number
  readonly end: number
}

/**
 * result [rows, columns] = left right and sums [rows] = the sums of left over the depth. Where the result alone gives the device too little to do, or the factors are
 * larger than what it binds at once, the depth is cut into parts and one more dispatch adds them.
 *
 * @param left whose depth is its rows, as is that of `right`
 */
export function multiplyAndSum(
  backend: WebGPUBackend,
  left: Factor,
  right: Factor,
  result: TensorInfo,
  sums: TensorInfo,
  { frozen = { begin: 0, end: 0 }, range = SATURATED }: { readonly frozen?: FrozenRows; readonly range?: Range } = {},
): void {
  const [rows, columns] = result.shape as [number, number]
  const [depth] = sizeOf(left.matrix)
  const halves = { left: isHalf(left.matrix), right: isHalf(right.matrix), result: false }
  const wide = columns % 4 === 0
  const { program, groups, share: planned } = plan(backend, left, right, { rows, columns, depth, divisible: true }, halves)
  const { piece, share } = piecesOf(depth, planned, rowsAtOnce(backend, depth, [left.matrix, right.matrix]))
  const parts = Math.ceil(depth / share)
  const into = (result: TensorInfo, sums: TensorInfo) => {
    for (let first = 0; first < depth; first += piece) {
      const count = Math.min(piece, depth - first)
      const factors = { left: rowsOf(left.matrix, first, count), right: rowsOf(right.matrix, first, count) }
      const part = { first_part: first / share, frozen_begin: frozen.begin, frozen_end: frozen.end }
      const workgroups = [groups[0], groups[1], Math.ceil(count / share)] as const
      dispatch(backend, program, { ...factors, result, sums }, { rows, columns, depth: count, share, ...range, ...part }, workgroups)
    }
  }
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

/** A depth in pieces of at most `step`, each bound alone: whole parts, that begin where buffers may be bound from. */
function piecesOf(depth: number, share: number, step: number): { readonly piece: number; readonly share: number } {
  if (step >= depth) return { piece: depth, share }
  const rounded = Math.min(step, Math.ceil(share / BOUND_ROWS) * BOUND_ROWS)
  return { share: rounded, piece: Math.floor(step / rounded) * rounded }
}

/** So many rows of four bytes, or of any number of fours, take a multiple of 256 bytes, which is where a device may be asked to bind a buffer from. */
const BOUND_ROWS = 64

/** How many of the rows of such tensors the device binds at once: all, or a multiple of 64. */
function rowsAtOnce({ device }: WebGPUBackend, rows: number, tensors: readonly TensorInfo[]): number {
  const words = Math.max(...tensors.map(({ shape }) => shape[1]!))
  const most = Math.floor(device.limits.maxStorageBufferBindingSize / (4 * words))
  return rows <= most ? rows : Math.max(BOUND_ROWS, Math.floor(most / BOUND_ROWS) * BOUND_ROWS)
}

/** Some rows of a matrix; the matrix itself where they are all. */
function rowsOf(tensor: TensorInfo, first: number, count: number): TensorInfo | TensorPart {
  const [rows, words] = tensor.shape as [number, number]
  return count === rows ? tensor : { tensor, offset: 4 * first * words, size: 4 * count * words }
}

/** Which matrices of a product are of float16. */
interface HalvesOfProduct {
  readonly left: boolean
  readonly right: boolean
  readonly result: boolean
}

/** The program for a product at the precision asked for, which is mixed where a matrix is of float16, and how its work is cut. */
function plan(
  backend: WebGPUBackend,
  left: Factor,
  right: Factor,
  size: ProductSize,
  halves: HalvesOfProduct,
  epilogue: Omit<Epilogue, 'half'> = {},
) {
  const shape = { ...size, left: contiguousOf(left), right: contiguousOf(right) }
  const cut = <T extends TileSize>({ family, programOf, sliceOf, unit }: ProgramFamily<T>) => {
    const { tile, share, parts } = planProduct(backend, family, shape)
    const groups = [Math.ceil(size.columns / tile.columns), Math.ceil(size.rows / tile.rows), parts] as const
    const half = (is: boolean) => (is ? unit : undefined)
    const product = productOf(shape, sliceOf(tile), { ...epilogue, half: half(halves.result) }, half(halves.left), half(halves.right))
    return { program: programOf(product, tile), share, groups }
  }
  return withFamily(backend, cut, Object.values(halves).includes(true) ? 'mixed' : getPrecision())
}

const contiguousOf = ({ depth }: Factor): Operand['contiguous'] => (depth === 'columns' ? 'depth' : 'outer')

function productOf(
  { left, right, rows, columns, depth, divisible }: ProductShape,
  slice: number,
  epilogue: Epilogue = {},
  halfLeft?: Halves,
  halfRight?: Halves,
): Omit<Product, 'tile'> {
  const operand = (name: Operand['name'], contiguous: Operand['contiguous'], outer: number, half?: Halves): Operand => {
    return { name, contiguous, wide: (contiguous === 'depth' ? depth : outer) % 4 === 0, whole: depth % slice === 0, half }
  }
  return {
    left: operand('left', left, rows, halfLeft),
    right: operand('right', right, columns, halfRight),
    wide: columns % 4 === 0,
    epilogue,
    sums: divisible,
  }
}

interface ProgramFamily<T extends TileSize> {
  readonly family: TileFamily<T>
  readonly programOf: (product: Omit<Product, 'tile'>, tile: T) => Program
  /** Depth of the slices of a tile, by which parts of a depth divide. */
  readonly sliceOf: (tile: T) => number
  readonly unit?: Halves
}

/** Tiles and programs at a precision. */
function withFamily<R>(backend: WebGPUBackend, use: <T extends TileSize>(family: ProgramFamily<T>) => R, precision = getPrecision()): R {
  const unit = matrixUnitOf(backend, precision)
  return unit
    ? use({
        family: mixedTiles(unit),
        programOf: (product, tile) => mixedProductProgram(product, tile, unit),
        sliceOf: ({ slice }) => slice,
        unit,
      })
    : use({ family: FLOAT_TILES, programOf: (product, tile) => productProgram({ ...product, tile }), sliceOf: () => SLICE })
}

/** The programs of tiles for a product without an epilogue, at the precision asked for. */
export function programsOf(backend: WebGPUBackend, shape: ProductShape, tiles: readonly TunedPlan[]): Program[] {
  return withFamily(backend, ({ family, programOf, sliceOf }) =>
    family.tiles
      .filter((tile) => tiles.some(({ rows, columns }) => rows === tile.rows && columns === tile.columns))
      .map((tile) => programOf(productOf(shape, sliceOf(tile)), tile)),
  )
}

/** Tensors that are there; those that are not are no buffers of the program either. */
function present<T>(tensors: { readonly [name: string]: T | undefined }): { [name: string]: T } {
  return Object.fromEntries(Object.entries(tensors).flatMap(([name, tensor]) => (tensor ? [[name, tensor]] : [])))
}
