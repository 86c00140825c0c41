import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnsOfMap, residual } from '../linear-algebra/index.js'
import { at, leastSquaresByQr, relativeError, uniformMatrix, withOnes } from '../linear-algebra/testing.js'
import { learned } from './learned.js'
import { leastSquares } from './least-squares.js'
import { ridge } from './ridge.js'
import { denseProblem, entries, gramOf } from './testing.js'

const x = uniformMatrix(60, 5, 1)
const y = uniformMatrix(60, 7, 2)
const problem = { ...denseProblem(['student']), gram: gramOf(x, y) }

it('is least squares at its lower end and the learned map at its upper one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 80 }), fc.integer({ min: 0, max: 1000 }), (rows, seed) => {
      const drawn = { ...problem, gram: gramOf(uniformMatrix(rows, 5, seed), uniformMatrix(rows, 7, seed + 1)) }
      const fitted = entries(leastSquares()(drawn))
      const prior = entries(learned(drawn))
      for (const lambda of [0, 1e-13]) expect(relativeError(entries(ridge({ lambda })(drawn)), fitted)).toBeLessThan(1e-6)
      expect(relativeError(entries(ridge({ lambda: 1e12 })(drawn)), prior)).toBeLessThan(1e-7)
      const away = [1e-6, 1e-3, 1, 1e3, 1e6].map((lambda) => relativeError(entries(ridge({ lambda })(drawn)), prior))
      const error = [1e-6, 1e-3, 1, 1e3, 1e6].map((lambda) => residual(ridge({ lambda })(drawn), drawn.gram))
      expect(away).toEqual([...away].sort((a, b) => b - a))
      expect(error).toEqual([...error].sort((a, b) => a - b))
    }),
    { seed: 1, numRuns: 30 },
  )
})

it('minimises its objective: least squares on rows that sqrt(lambda) [I | W0] extends', () => {
  const lambda = 0.2
  const ones = withOnes(x)
  const prior = columnsOfMap(learned(problem))
  const trace = ones.data.reduce((sum, value) => sum + value * value, 0)
  const root = Math.sqrt((lambda * trace) / 6)
  const rows = new Float64Array(66 * 6)
  const targets = new Float64Array(66 * 7)
  rows.set(ones.data)
  targets.set(y.data)
  for (let i = 0; i < 6; i++) {
    rows[(60 + i) * 6 + i] = root
    for (let o = 0; o < 7; o++) targets[(60 + i) * 7 + o] = root * at(prior, i, o)
  }
  const expected = leastSquaresByQr({ ...ones, data: rows, rows: 66 }, { ...prior, data: targets, rows: 66 })
  expect(relativeError(columnsOfMap(ridge({ lambda })(problem)).data, expected.data)).toBeLessThan(1e-6)
})

it('keeps the learned map in directions that no feature has', () => {
  const zeros = { ...x, data: x.data.map((value, i) => (i % 5 === 2 ? 0 : value)) }
  const drawn = { ...problem, gram: gramOf(zeros, y) }
  for (const lambda of [0, 1e-6]) {
    const [map, prior] = [ridge({ lambda })(drawn), learned(drawn)]
    for (let o = 0; o < 7; o++) expect(map.weight[o * 5 + 2]).toBeCloseTo(prior.weight[o * 5 + 2]!, 6)
  }
})

describe('bad input', () => {
  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('refuses lambda %d', (lambda) => {
    expect(() => ridge({ lambda })).toThrow(`lambda must be a finite number of at least 0, got ${lambda}`)
  })

  it('needs features and matrices of side student', () => {
    expect(() => ridge()(denseProblem(['student']))).toThrow('the initialiser ridge needs features of training images')
    expect(() => ridge()({ ...denseProblem(['teacher']), gram: problem.gram })).toThrow("needs transformation matrices of side 'student'")
  })
})
