import { batchProduct } from '@learngene/ops'
import {
  addProduct,
  addToDiagonal,
  block,
  copyOf,
  type Matrix,
  type Matrix64,
  meanDiagonal,
  solvePositiveDefinite,
  symmetric,
  transpose,
  zeros,
} from '@learngene/stitch/linear-algebra'
import { concat, mul, ones, reshape, slice, type Tensor3D, tensor3d, tidy } from '@tensorflow/tfjs-core'
import { createMoments, type Moments } from './values.js'

/** The normal equations of a regression of Y on [X, 1]: products in float32 on the device batch by batch, their sums in float64. */
export interface Normal {
  /** [X, 1]^T [X, 1], [n + 1, n + 1] */
  readonly xx: Matrix64
  /** [X, 1]^T Y, [n + 1, m] */
  readonly xy: Matrix64
}

/** The equations of all calibration images, and those of some of them again, which judge what the others give. */
export interface Equations {
  readonly all: Normal
  /** Of the last quarter of each batch's images; undefined where batches are of one image. */
  readonly heldOut: Normal | undefined
}

/** An affine map in the columns of a regression [n + 1, m]: y = x W + c with c in the last row. */
export type AffineColumns = Matrix64

/**
 * @param xs [B, N, n] by batch
 * @param ys [B, N, m] by batch
 * @param weights what each token of an image counts [N]; default all the same
 */
export async function normalEquations(
  xs: readonly Tensor3D[],
  ys: readonly Tensor3D[],
  weights: readonly number[] = new Array(xs[0]!.shape[1]).fill(1),
): Promise<Equations> {
  const n = xs[0]!.shape[2] + 1
  const outputs = ys[0]!.shape[2]
  const [fitting, judging] = [createMoments(), createMoments()]
  const roots = tensor3d(weights.map(Math.sqrt), [1, weights.length, 1])
  let held = 0
  try {
    for (const [i, x] of xs.entries()) {
      const images = x.shape[0]
      const apart = images < 2 ? 0 : Math.ceil(images * HELD_OUT)
      held += apart
      await fitting.add(productsOf(x, ys[i]!, roots, 0, images - apart))
      if (apart > 0) await judging.add(productsOf(x, ys[i]!, roots, images - apart, apart))
    }
  } finally {
    roots.dispose()
  }
  const normalOf = (moments: Moments): Normal => ({ xx: moments.matrix('xx', n, n), xy: moments.matrix('xy', n, outputs) })
  const fitted = normalOf(fitting)
  if (held === 0) return { all: fitted, heldOut: undefined }
  const heldOut = normalOf(judging)
  return { all: combined(fitted, heldOut, 1), heldOut }
}

/** Share of a batch's images that are held out. */
const HELD_OUT = 0.25

/**
 * Of some images of a batch.
 *
 * @param roots of the tokens' weights [1, N, 1]
 */
function productsOf(x: Tensor3D, y: Tensor3D, roots: Tensor3D, first: number, images: number) {
  return tidy(() => {
    const flat = (values: Tensor3D) => reshape(mul(values, roots), [1, images * x.shape[1], -1]) as Tensor3D
    const taken = (values: Tensor3D) => slice(values, [first, 0, 0], [images, -1, -1])
    const inputs = flat(concat([taken(x), ones([images, x.shape[1], 1])], 2)) // [1, images N, n + 1]
    return { xx: batchProduct(inputs, inputs, true), xy: batchProduct(inputs, flat(taken(y)), true) }
  })
}

/** a + sign b */
function combined(a: Normal, b: Normal, sign: 1 | -1): Normal {
  const sumOf = (ofA: Matrix64, { data }: Matrix64) => {
    const sum = copyOf(ofA)
    for (let i = 0; i < data.length; i++) sum.data[i]! += sign * data[i]!
    return sum
  }
  return { xx: sumOf(a.xx, b.xx), xy: sumOf(a.xy, b.xy) }
}

/** Of a constant: its share of the ridge, which keeps the system definite and does not hold it back. */
const ridgeOfConstant = 1e-6

/** The ridge that is tried first, and taken where no images can be held out; the steps of the search from there, and its ends. */
const RIDGE = { first: 0.1, step: Math.sqrt(10), least: 1e-4, most: 100 }

/**
 * min ||[X, 1] W - Y||^2 + lambda ||W - W0||^2, solved for the difference to the prior in float64. Where X is 0 throughout, the prior stays. lambda, relative to the mean square of a column of X, is the one
 * with which the other images lead closest to Y on those held out: tokens of one image are alike, so that few images can be far fewer than their tokens say, and what they alone explain would cost the
 * cut more than it lost.
 *
 * @param prior W0 [n + 1, m]
 */
export function regressToward({ all, heldOut }: Equations, prior: AffineColumns): AffineColumns {
  const unexplained = lacking(all, prior)
  const difference = solveDifference(unexplained, heldOut ? bestRidge(unexplained, lacking(heldOut, prior)) : RIDGE.first)
  for (let i = 0; i < difference.data.length; i++) difference.data[i]! += prior.data[i]!
  return difference
}

/** The equations of what a prior lacks. */
function lacking({ xx, xy }: Normal, prior: AffineColumns): Normal {
  const unexplained = copyOf(xy)
  addProduct(unexplained, symmetric(xx), prior, { scale: -1 })
  return { xx, xy: unexplained }
}

function solveDifference({ xx, xy }: Normal, ridge: number): Matrix64 {
  const n = xx.rows - 1
  const penalised = copyOf(xx)
  const inputs = block(penalised, 0, 0, n, n)
  addToDiagonal(inputs, ridge * (meanDiagonal(inputs) || 1))
  penalised.data[penalised.data.length - 1]! *= 1 + ridgeOfConstant
  return solvePositiveDefinite(penalised, copyOf(xy))
}

/** The ridge of the least error on the images held out: from the first one uphill or downhill, as long as it falls. Of both the equations of what the prior lacks. */
function bestRidge(all: Normal, heldOut: Normal): number {
  const fitted = combined(all, heldOut, -1)
  const errorOf = (ridge: number) => errorOn(heldOut, solveDifference(fitted, ridge))
  let [best, least] = [RIDGE.first, errorOf(RIDGE.first)]
  for (const step of [RIDGE.step, 1 / RIDGE.step]) {
    const start = best
    for (let ridge = best * step; ridge >= RIDGE.least && ridge <= RIDGE.most; ridge *= step) {
      const error = errorOf(ridge)
      if (!(error < least)) break
      ;[best, least] = [ridge, error]
    }
    if (best !== start) break
  }
  return best
}

/** ||X D - R||^2 up to what no D changes: tr(D^T X^T X D) - 2 tr(D^T X^T R). */
function errorOn({ xx, xy }: Normal, difference: Matrix64): number {
  const residual = copyOf(xy)
  for (let i = 0; i < residual.data.length; i++) residual.data[i]! *= -2
  addProduct(residual, symmetric(xx), difference)
  let error = 0
  for (let i = 0; i < residual.data.length; i++) error += difference.data[i]! * residual.data[i]!
  return error
}

/**
 * The least-squares reconstruction [D_s + 1, D] of what the ancestor's layer norm gives from what the cut's gives, pulled toward appending zeros and multiplying with the
 * best gain.
 *
 * @param from the cut's normalised tokens [B, N, D_s] by batch
 * @param to the ancestor's [B, N, D]
 * @param weights as those of {@link normalEquations}
 */
export async function reconstruction(
  from: readonly Tensor3D[],
  to: readonly Tensor3D[],
  weights?: readonly number[],
): Promise<AffineColumns> {
  const equations = await normalEquations(from, to, weights)
  const { xx, xy } = equations.all
  const width = xx.rows - 1
  let shared = 0
  let own = 0
  for (let i = 0; i < width; i++) {
    shared += xy.data[i * xy.columns + i]!
    own += xx.data[i * (width + 1) + i]!
  }
  const prior = zeros(width + 1, xy.columns)
  for (let i = 0; i < width; i++) prior.data[i * xy.columns + i] = own > 0 ? shared / own : 0
  return regressToward(equations, prior)
}

/** W^T [m, n] of [n + 1, m] columns, and c [m]. */
export function affineParts(columns: AffineColumns): { readonly weight: Matrix64; readonly bias: Float64Array } {
  const n = columns.rows - 1
  return {
    weight: copyOf(transpose(block(columns, 0, 0, n, columns.columns))),
    bias: copyOf(block(columns, n, 0, 1, columns.columns)).data,
  }
}

/** [n + 1, m] columns of a map y = W x + c, W [m, n]. */
export function affineColumns(weight: Matrix, bias: ArrayLike<number>): AffineColumns {
  const columns = zeros(weight.columns + 1, weight.rows)
  columns.data.set(copyOf(transpose(weight)).data)
  columns.data.set(bias, weight.columns * weight.rows)
  return columns
}

/** The equations of some of the inputs only, in the given order. */
export function ofInputs({ all, heldOut }: Equations, inputs: readonly number[]): Equations {
  return { all: normalOfInputs(all, inputs), heldOut: heldOut && normalOfInputs(heldOut, inputs) }
}

function normalOfInputs({ xx, xy }: Normal, inputs: readonly number[]): Normal {
  const taken = [...inputs, xx.rows - 1]
  const pick = (from: Matrix64, columns: readonly number[]) => {
    const picked = zeros(taken.length, columns.length)
    let to = 0
    for (const row of taken) for (const column of columns) picked.data[to++] = from.data[row * from.columns + column]!
    return picked
  }
  return {
    xx: pick(xx, taken),
    xy: pick(
      xy,
      Array.from({ length: xy.columns }, (_, i) => i),
    ),
  }
}
