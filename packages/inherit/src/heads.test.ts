import {
  copyOf,
  type Matrix64,
  matrixOf,
  product,
  solvePositiveDefinite,
  transpose,
  block as viewOf,
  zeros,
} from '@learngene/stitch/linear-algebra'
import { startBackend } from '@learngene/testing'
import { createRng } from '@learngene/training'
import { slice, type Tensor3D, tensor3d } from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { singularValues, symmetricEigen, symmetricRoot } from './decompositions.js'
import { rankedFactors } from './heads.js'
import { embeddingOf, helmert, principalBasis } from './principal-basis.js'
import { affineColumns, greedyInputs, type Normal, normalEquations, regressToward } from './regression.js'
import { relativeError } from './testing/lively.js'

beforeAll(() => startBackend('wasm'))

function random(rows: number, columns: number, seed: number): Matrix64 {
  const rng = createRng(seed)
  return matrixOf(Float64Array.from({ length: rows * columns }, () => rng.normal()), rows, columns) // biome-ignore format: one value
}

const gramOf = (x: Matrix64) => product(x, transpose(x))
const identity = (n: number) => {
  const eye = zeros(n, n)
  for (let i = 0; i < n; i++) eye.data[i * (n + 1)] = 1
  return eye
}

describe('decompositions', () => {
  it('give back the matrix', () => {
    const a = gramOf(random(6, 9, 1))
    const { values, vectors } = symmetricEigen(a)
    expect([...values]).toEqual([...values].sort((x, y) => y - x))
    expect(relativeError(gramOf(vectors).data, identity(6).data)).toBeLessThan(1e-12)
    expect(relativeError(gramOf(symmetricRoot(a)).data, a.data)).toBeLessThan(1e-12)
    const b = random(5, 5, 2)
    const { u, values: singular, v } = singularValues(b)
    for (let row = 0; row < 5; row++) for (let i = 0; i < 5; i++) u.data[row * 5 + i]! *= singular[i]!
    expect(relativeError(product(u, transpose(v)).data, b.data)).toBeLessThan(1e-12)
  })
})

describe('ranked factors', () => {
  it('keep the product, and their leading ones are its best approximation of every rank', () => {
    const [x, y] = [random(4, 7, 3), random(4, 7, 4)]
    const { left, right } = rankedFactors(gramOf(x), gramOf(y))
    const [ax, by] = [product(left, x), product(right, y)]
    const full = product(transpose(x), y)
    expect(relativeError(product(transpose(ax), by).data, full.data)).toBeLessThan(1e-10)
    const { values } = singularValues(full)
    for (const rank of [1, 2, 3]) {
      const truncated = product(transpose(viewOf(ax, 0, 0, rank, 7)), viewOf(by, 0, 0, rank, 7))
      const error = Math.hypot(...truncated.data.map((value, i) => value - full.data[i]!))
      expect(error).toBeCloseTo(Math.hypot(...values.slice(rank)), 8)
    }
  })

  it('are exact where a factor does not use all its rows', () => {
    const x = random(4, 7, 5)
    x.data.fill(0, 7, 14)
    const y = random(4, 7, 6)
    const { left, right } = rankedFactors(gramOf(x), gramOf(y))
    expect(left.data.every(Number.isFinite) && right.data.every(Number.isFinite)).toBe(true)
    expect(relativeError(product(transpose(product(left, x)), product(right, y)).data, product(transpose(x), y).data)).toBeLessThan(1e-6)
    expect(rankedFactors(zeros(3, 3), zeros(3, 3)).left.data).toEqual(new Float64Array(9))
  })
})

describe('the principal basis', () => {
  const moments = () => {
    const tokens = random(8, 40, 7)
    for (let t = 0; t < 40; t++) {
      let mean = 0
      for (let i = 0; i < 8; i++) mean += tokens.data[i * 40 + t]! / 8
      for (let i = 0; i < 8; i++) tokens.data[i * 40 + t]! -= mean
    }
    return gramOf(tokens)
  }

  it('is orthonormal and of zero mean, also where the images use few directions', () => {
    const few = random(8, 2, 8)
    for (let t = 0; t < 2; t++) {
      let mean = 0
      for (let i = 0; i < 8; i++) mean += few.data[i * 2 + t]! / 8
      for (let i = 0; i < 8; i++) few.data[i * 2 + t]! -= mean
    }
    for (const second of [moments(), gramOf(few), zeros(8, 8)]) {
      const { directions, rotation } = principalBasis(second)
      expect(relativeError(product(transpose(directions), directions).data, identity(7).data)).toBeLessThan(1e-9)
      expect(Math.hypot(...product(matrixOf(new Float64Array(8).fill(1), 1, 8), directions).data)).toBeLessThan(1e-7)
      const zeroMean = product(rotation, transpose(rotation))
      expect(
        relativeError(
          zeroMean.data,
          identity(8).data.map((value) => value - 1 / 8),
        ),
      ).toBeLessThan(1e-9)
    }
  })

  it('is nested: the leading rows at full width are those of every smaller width, up to a constant', () => {
    const basis = principalBasis(moments())
    for (const width of [2, 5, 8]) {
      const own = embeddingOf(basis, width)
      const leading = copyOf(viewOf(basis.rotation, 0, 0, width, 8))
      for (let column = 0; column < 8; column++) {
        let mean = 0
        for (let row = 0; row < width; row++) mean += leading.data[row * 8 + column]! / width
        for (let row = 0; row < width; row++) leading.data[row * 8 + column]! -= mean
      }
      expect(relativeError(leading.data, own.data)).toBeLessThan(1e-9)
    }
    expect(() => embeddingOf(basis, 9)).toThrow('at most as wide as its ancestor, 8; got 9')
    expect(relativeError(helmert(2).data, [Math.SQRT1_2, -Math.SQRT1_2])).toBeLessThan(1e-12)
  })
})

describe('regressions', () => {
  const x = random(60, 5, 9)
  const map = random(3, 5, 10)
  const bias = [1, -2, 3]
  const y = product(x, transpose(map))
  for (let row = 0; row < 60; row++) for (let i = 0; i < 3; i++) y.data[row * 3 + i]! += bias[i]!
  const withOne = zeros(60, 6)
  for (let row = 0; row < 60; row++) {
    withOne.data.set(x.data.subarray(row * 5, (row + 1) * 5), row * 6)
    withOne.data[row * 6 + 5] = 1
  }
  /** The equations of rows `first` to before `end`. */
  const normalOf = (outputs: Matrix64, first = 0, end = 60): Normal => {
    const [inputs, to] = [viewOf(withOne, first, 0, end - first, 6), viewOf(outputs, first, 0, end - first, 3)]
    return { xx: product(transpose(inputs), inputs), xy: product(transpose(inputs), to) }
  }
  const all = normalOf(y)
  const truth = affineColumns(map, bias)
  const prior = affineColumns(random(3, 5, 11), [0, 0, 0])

  it('find the map that explains the images held out too', () => {
    const found = regressToward({ all, heldOut: normalOf(y, 45) }, prior)
    expect(relativeError(found.data, truth.data)).toBeLessThan(1e-3)
    expect(relativeError(regressToward({ all, heldOut: normalOf(y, 45) }, truth).data, truth.data)).toBeLessThan(1e-12)
  })

  it('stay at the prior where what other images say does not hold', () => {
    const noisy = product(withOne, prior)
    const noise = random(60, 3, 12)
    for (let i = 0; i < noisy.data.length; i++) noisy.data[i]! += 3 * noise.data[i]!
    const equations = { all: normalOf(noisy), heldOut: normalOf(noisy, 45) }
    const distance = (found: Matrix64) => relativeError(found.data, prior.data)
    const free = solvePositiveDefinite(copyOf(equations.all.xx), copyOf(equations.all.xy))
    expect(distance(free)).toBeGreaterThan(0.2)
    expect(distance(regressToward(equations, prior))).toBeLessThan(0.5 * distance(free))
  })

  it('are pulled by a middling ridge where no image can be held out', () => {
    const found = regressToward({ all, heldOut: undefined }, prior)
    const error = relativeError(found.data, truth.data)
    expect(error).toBeGreaterThan(1e-3)
    expect(error).toBeLessThan(0.3)
  })

  it('are summed over all images, over a quarter of each batch apart, and by the weights of tokens', async () => {
    const stream = (matrix: Matrix64, images: number, columns: number) => tensor3d(Float32Array.from(matrix.data), [images, 3, columns])
    const [inputs, outputs] = [stream(x, 20, 5), stream(y, 20, 3)]
    const batches = (values: Tensor3D) => [slice(values, [0, 0, 0], [16, 3, -1]), slice(values, [16, 0, 0], [4, 3, -1])] as Tensor3D[]
    const plain = await normalEquations(batches(inputs), batches(outputs))
    expect(relativeError(plain.all.xy.data, all.xy.data)).toBeLessThan(1e-6)
    const [first, second] = [normalOf(y, 36, 48), normalOf(y, 57)] // images 12 to 15 and 19
    const both = first.xx.data.map((value, i) => value + second.xx.data[i]!)
    expect(relativeError(plain.heldOut!.xx.data, both)).toBeLessThan(1e-6)
    const thrice = await normalEquations([inputs], [outputs], [3, 1, 1])
    const twice = await normalEquations([inputs], [outputs], [2, 1, 1])
    const firstTokens = thrice.all.xx.data.map((value, i) => value - twice.all.xx.data[i]!)
    const rows = Array.from({ length: 20 }, (_, image) => normalOf(y, 3 * image, 3 * image + 1).xx.data)
    expect(
      relativeError(
        firstTokens,
        rows.reduce((sum, row) => sum.map((value, i) => value + row[i]!)),
      ),
    ).toBeLessThan(1e-5)
    const alone = await normalEquations([slice(inputs, [0, 0, 0], [1, 3, 5])], [slice(outputs, [0, 0, 0], [1, 3, 3])])
    expect(alone.heldOut).toBeUndefined()
  })

  it('choose the inputs that explain most, one after the other', () => {
    const weights = zeros(5, 3)
    for (const [input, size] of [[3, 10], [0, 3], [4, 1]] as const) for (let i = 0; i < 3; i++) weights.data[input * 3 + i] = size * (i + 1) // biome-ignore format: one row
    const clear = { xx: all.xx, xy: product(transpose(withOne), product(x, weights)) }
    expect(greedyInputs(clear, 3, 1e-9)).toEqual([3, 0, 4])
    expect(greedyInputs(clear, 5, 1e-9).toSorted()).toEqual([0, 1, 2, 3, 4])
  })
})
