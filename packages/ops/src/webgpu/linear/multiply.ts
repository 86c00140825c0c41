import type { TensorInfo } from '@tensorflow/tfjs-core'
import type { WebGPUBackend } from '../backend.js'
import { dispatch, grid, newTensor, type Program } from '../dispatch.js'
import { piecesOf, rowsAtOnce, rowsOf } from '../pieces.js'
import type { Epilogue } from './epilogue.js'
import { type Halves, isHalf, LARGEST_FLOAT16, sizeOf } from './halves.js'
import { type MatrixUnit, matrixUnitOf, unitOf } from './matrix-unit.js'
import { mixedProductProgram, mixedTiles } from './mixed-product.js'
import type { Operand } from './operand.js'
import { type ProductMatrix, type ProductShape, planProduct, type TunedPlan } from './planning.js'
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
  const halves = halvesOf({ left: left.matrix, right: right.matrix, result })
  const cut = present({ left: left.matrix, result, residual, pre_activation: preActivation, kept })
  for (const { count, tensors } of piecesOf(backend, rows, cut)) {
    const { program, groups } = plan(backend, left, right, { rows: count, columns, depth, divisible: false }, halves, epilogue)
    dispatch(backend, program, { ...tensors, ...present({ right: right.matrix, bias }) }, { rows: count, columns, depth, ...range }, groups)
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
  const halves = halvesOf({ left: left.matrix, right: right.matrix, result })
  const wide = columns % 4 === 0
  const { program, groups, share: planned } = plan(backend, left, right, { rows, columns, depth, divisible: true }, halves)
  const { piece, share } = depthsOf(depth, planned, rowsAtOnce(backend, depth, [left.matrix, right.matrix]))
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
function depthsOf(depth: number, share: number, step: number): { readonly piece: number; readonly share: number } {
  if (step >= depth) return { piece: depth, share }
  const most = Math.max(BOUND_ROWS, Math.floor(step / BOUND_ROWS) * BOUND_ROWS)
  const rounded = Math.min(most, Math.ceil(share / BOUND_ROWS) * BOUND_ROWS)
  return { share: rounded, piece: Math.floor(most / rounded) * rounded }
}

/** So many rows of any width can be bound from where they begin, and are whole slices of every tile. */
const BOUND_ROWS = 64

/** Which matrices of a product are of float16. */
const halvesOf = (matrices: { readonly [name in ProductMatrix]: TensorInfo }): ProductMatrix[] =>
  MATRICES.filter((name) => isHalf(matrices[name]))

const MATRICES: readonly ProductMatrix[] = ['left', 'right', 'result']

/** The program for a product, and how its work is cut. */
function plan(
  backend: WebGPUBackend,
  left: Factor,
  right: Factor,
  size: ProductSize,
  halves: readonly ProductMatrix[],
  epilogue: Omit<Epilogue, 'half'> = {},
) {
  const shape = { ...size, left: contiguousOf(left), right: contiguousOf(right), halves }
  return withFamily(backend, shape, (programs) => {
    const { tile, share, parts } = planProduct(backend, programs.family, shape)
    const groups = [Math.ceil(size.columns / tile.columns), Math.ceil(size.rows / tile.rows), parts] as const
    return { program: programFor(programs, shape, tile, epilogue), share, groups }
  })
}

const contiguousOf = ({ depth }: Factor): Operand['contiguous'] => (depth === 'columns' ? 'depth' : 'outer')

/** Tiles, and what the programs by them have in common. */
interface ProgramFamily<T extends TileSize> {
  readonly family: TileFamily<T>
  readonly programOf: (product: Omit<Product, 'tile'>, tile: T) => Program
  /** Depth of the slices of a tile, by which parts of a depth divide. */
  readonly sliceOf: (tile: T) => number
  /** How float16 is read and written. */
  readonly half?: Halves
}

function programFor<T extends TileSize>(
  programs: ProgramFamily<T>,
  { left, right, rows, columns, depth, divisible, halves }: ProductShape,
  tile: T,
  epilogue: Omit<Epilogue, 'half'> = {},
): Program {
  const half = (name: ProductMatrix) => (halves.includes(name) ? programs.half : undefined)
  const whole = depth % programs.sliceOf(tile) === 0
  const operand = (name: Operand['name'], contiguous: Operand['contiguous'], outer: number): Operand => {
    return { name, contiguous, wide: (contiguous === 'depth' ? depth : outer) % 4 === 0, whole, half: half(name) }
  }
  const product = {
    left: operand('left', left, rows),
    right: operand('right', right, columns),
    wide: columns % 4 === 0,
    epilogue: { ...epilogue, half: half('result') },
    sums: divisible,
  }
  return programs.programOf(product, tile)
}

/**
 * Tiles and programs for a product: of the device's matrix unit where mixed precision is asked for or a matrix is of float16, of float32 else.
 *
 * @throws where a matrix is of float16, which only a unit's programs read, and there is none any more
 */
export function withFamily<R>(
  backend: WebGPUBackend,
  { halves }: Pick<ProductShape, 'halves'>,
  use: <T extends TileSize>(programs: ProgramFamily<T>) => R,
): R {
  const unit = halves.length > 0 ? unitOfHalves(backend) : matrixUnitOf(backend)
  return unit
    ? use({
        family: mixedTiles(unit),
        programOf: (product, tile) => mixedProductProgram(product, tile, unit),
        sliceOf: ({ slice }) => slice,
        half: unit,
      })
    : use({ family: FLOAT_TILES, programOf: (product, tile) => productProgram({ ...product, tile }), sliceOf: () => SLICE })
}

function unitOfHalves(backend: WebGPUBackend): MatrixUnit {
  const unit = unitOf(backend)
  if (typeof unit !== 'string') return unit
  throw new Error(
    `the gradient of a forward pass in mixed precision needs the matrix units that the pass had, as it reads float16; now ${unit}: take units away, as emulateMatrixUnits(false) does, after the gradient`,
  )
}

/** The programs by plans, whose tiles must be of the product's family, for a product without an epilogue. */
export function programsOf(backend: WebGPUBackend, shape: ProductShape, plans: readonly TunedPlan[]): Program[] {
  return withFamily(backend, shape, (programs) =>
    plans.map((plan) =>
      programFor(programs, shape, programs.family.tiles.find(({ rows, columns }) => rows === plan.rows && columns === plan.columns)!),
    ),
  )
}

/** Tensors that are there; those that are not are no buffers of the program either. */
function present<T>(tensors: { readonly [name: string]: T | undefined }): { [name: string]: T } {
  return Object.fromEntries(Object.entries(tensors).flatMap(([name, tensor]) => (tensor ? [[name, tensor]] : [])))
}
