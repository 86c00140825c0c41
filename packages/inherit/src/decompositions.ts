import { copyOf, type Matrix, type Matrix64, zeros } from '@learngene/stitch/linear-algebra'

/** A = V diag(values) V^T of a symmetric matrix. */
export interface SymmetricEigen {
  /** Descending. */
  readonly values: Float64Array
  /** V [N, N]; column i belongs to value i. */
  readonly vectors: Matrix64
}

/**
 * Eigenvalues and orthonormal eigenvectors of a symmetric matrix [N, N]: Householder reflections to tridiagonal form, then implicit QR steps with Wilkinson's shift
 * (Golub and Van Loan, Matrix Computations, 4th edition, section 8.3).
 *
 * @throws when a number is not finite
 */
export function symmetricEigen(a: Matrix): SymmetricEigen {
  const n = a.rows
  const { diagonal, beside, basis } = tridiagonal(copyOf(a))
  if (!diagonal.every(Number.isFinite) || !beside.every(Number.isFinite))
    throw new Error('eigenvalues need finite numbers; got NaN or Infinity')
  diagonalise(diagonal, beside, basis)
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j]! - diagonal[i]!)
  const vectors = zeros(n, n)
  for (const [to, from] of order.entries()) for (let row = 0; row < n; row++) vectors.data[row * n + to] = basis[from * n + row]!
  return { values: Float64Array.from(order, (i) => diagonal[i]!), vectors }
}

/** L [N, N] with L L^T = A for a symmetric A without negative eigenvalues; those that rounding makes negative count as 0. */
export function symmetricRoot(a: Matrix): Matrix64 {
  const { values, vectors } = symmetricEigen(a)
  const n = a.rows
  for (let row = 0; row < n; row++) for (let i = 0; i < n; i++) vectors.data[row * n + i]! *= Math.sqrt(Math.max(values[i]!, 0))
  return vectors
}

/** A = Q T Q^T: the diagonal of T, the entries beside it, and the rows of Q^T. Overwrites a. */
function tridiagonal({ data, rows: n }: Matrix64): { diagonal: Float64Array; beside: Float64Array; basis: Float64Array } {
  const beside = new Float64Array(Math.max(n - 1, 0))
  const reflectors: Float64Array[] = []
  for (let k = 0; k < n - 1; k++) {
    // v, of length 1, with (I - 2 v v^T) x = (alpha, 0, ...) for the column x below the diagonal
    const v = Float64Array.from({ length: n - 1 - k }, (_, i) => data[(k + 1 + i) * n + k]!)
    const alpha = v[0]! > 0 ? -norm(v) : norm(v)
    beside[k] = alpha
    v[0]! -= alpha
    const length = norm(v)
    if (length > 0) for (let i = 0; i < v.length; i++) v[i]! /= length
    reflectors.push(v)
    // The rest becomes (I - 2 v v^T) A (I - 2 v v^T) = A - 2 v w^T - 2 w v^T with w = A v - (v^T A v) v
    const w = new Float64Array(v.length)
    let inner = 0
    for (let i = 0; i < v.length; i++) {
      let dot = 0
      for (let j = 0, at = (k + 1 + i) * n + k + 1; j < v.length; j++, at++) dot += data[at]! * v[j]!
      w[i] = dot
      inner += dot * v[i]!
    }
    for (let i = 0; i < v.length; i++) w[i]! -= inner * v[i]!
    for (let i = 0; i < v.length; i++) {
      const [vi, wi] = [2 * v[i]!, 2 * w[i]!]
      for (let j = 0, at = (k + 1 + i) * n + k + 1; j < v.length; j++, at++) data[at]! -= vi * w[j]! + wi * v[j]!
    }
  }
  const basis = new Float64Array(n * n)
  for (let i = 0; i < n; i++) basis[i * n + i] = 1
  // Q^T = ... H_1 H_0: from the last reflection on, each acts on what the ones after it have filled.
  for (let k = n - 2; k >= 0; k--) {
    const v = reflectors[k]!
    for (let row = k + 1; row < n; row++) {
      let dot = 0
      for (let j = 0, at = row * n + k + 1; j < v.length; j++, at++) dot += basis[at]! * v[j]!
      for (let j = 0, at = row * n + k + 1; j < v.length; j++, at++) basis[at]! -= 2 * dot * v[j]!
    }
  }
  return { diagonal: Float64Array.from({ length: n }, (_, i) => data[i * n + i]!), beside, basis }
}

const norm = (v: Float64Array) => Math.sqrt(v.reduce((sum, value) => sum + value * value, 0))

/** Turns a tridiagonal matrix into its eigenvalues by rotations, which also turn the rows of the basis. */
function diagonalise(d: Float64Array, e: Float64Array, basis: Float64Array): void {
  const n = d.length
  let last = n - 1
  while (last > 0) {
    for (let i = 0; i < last; i++) if (Math.abs(e[i]!) <= Number.EPSILON * (Math.abs(d[i]!) + Math.abs(d[i + 1]!))) e[i] = 0
    while (last > 0 && e[last - 1] === 0) last--
    if (last === 0) break
    let first = last - 1
    while (first > 0 && e[first - 1] !== 0) first--
    const half = (d[last - 1]! - d[last]!) / 2
    const root = Math.hypot(half, e[last - 1]!)
    const shift = d[last]! - e[last - 1]! ** 2 / (half + (half < 0 ? -root : root))
    let x = d[first]! - shift
    let z = e[first]!
    for (let k = first; k < last; k++) {
      const length = Math.hypot(x, z)
      const [c, s] = length === 0 ? [1, 0] : [x / length, z / length]
      if (k > first) e[k - 1] = length
      const [a, b, f] = [d[k]!, d[k + 1]!, e[k]!]
      d[k] = c * c * a + 2 * c * s * f + s * s * b
      d[k + 1] = s * s * a - 2 * c * s * f + c * c * b
      e[k] = c * s * (b - a) + (c * c - s * s) * f
      if (k + 1 < last) {
        z = s * e[k + 1]!
        e[k + 1]! *= c
        x = e[k]!
      }
      for (let p = k * n, q = p + n, end = q; p < end; p++, q++) {
        const [above, below] = [basis[p]!, basis[q]!]
        basis[p] = c * above + s * below
        basis[q] = c * below - s * above
      }
    }
  }
}

const sweeps = 60

/**
 * The singular value decomposition A = U diag(values) V^T of a small square matrix by one-sided Jacobi rotations, which find small singular values to full relative
 * accuracy (Golub and Van Loan, section 8.6). Columns of U for values of 0 are 0.
 *
 * @returns values descending
 */
export function singularValues(a: Matrix): { readonly u: Matrix64; readonly values: readonly number[]; readonly v: Matrix64 } {
  const n = a.rows
  const columns = Array.from({ length: n }, (_, j) =>
    Float64Array.from({ length: n }, (_, i) => a.data[a.offset + i * a.rowStride + j * a.columnStride]!),
  )
  const turned = Array.from({ length: n }, (_, j) => Float64Array.from({ length: n }, (_, i) => (i === j ? 1 : 0)))
  for (let sweep = 0, rotated = true; rotated && sweep < sweeps; sweep++) {
    rotated = false
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const [x, y] = [columns[p]!, columns[q]!]
        const [xx, yy, xy] = [dotOf(x, x), dotOf(y, y), dotOf(x, y)]
        if (Math.abs(xy) <= Number.EPSILON * Math.sqrt(xx * yy) || xy === 0) continue
        rotated = true
        const ratio = (yy - xx) / (2 * xy)
        const t = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.hypot(1, ratio))
        const c = 1 / Math.hypot(1, t)
        rotate(x, y, c, c * t)
        rotate(turned[p]!, turned[q]!, c, c * t)
      }
    }
  }
  const lengths = columns.map(norm)
  const order = [...lengths.keys()].sort((i, j) => lengths[j]! - lengths[i]!)
  const [u, v] = [zeros(n, n), zeros(n, n)]
  for (const [to, from] of order.entries()) {
    for (let row = 0; row < n; row++) {
      u.data[row * n + to] = lengths[from]! > 0 ? columns[from]![row]! / lengths[from]! : 0
      v.data[row * n + to] = turned[from]![row]!
    }
  }
  return { u, values: order.map((i) => lengths[i]!), v }
}

function dotOf(x: Float64Array, y: Float64Array): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i]! * y[i]!
  return sum
}

function rotate(x: Float64Array, y: Float64Array, c: number, s: number): void {
  for (let i = 0; i < x.length; i++) {
    const [a, b] = [x[i]!, y[i]!]
    x[i] = c * a - s * b
    y[i] = s * a + c * b
  }
}
