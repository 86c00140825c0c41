import { copyOf, type Matrix64, matrixOf, product, transpose, block as viewOf, zeros } from '@learngene/stitch/linear-algebra'
import { describe, expect, it } from 'vitest'
import { singularValues, symmetricEigen, symmetricRoot } from './decompositions.js'
import { rankedFactors } from './heads.js'
import { embeddingOf, helmert, principalBasis } from './principal-basis.js'
import { random, relativeError } from './testing/lively.js'

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
