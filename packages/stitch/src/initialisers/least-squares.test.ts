import { describe, expect, it } from 'vitest'
import { addGrams, createGram, matrixOf, residual } from '../linear-algebra/index.js'
import { conditioned, leastSquaresByQr, relativeError, uniformArray, uniformMatrix, withOnes } from '../linear-algebra/testing.js'
import { leastSquares } from './least-squares.js'
import { apply, denseProblem, entries, gramOf, randomMap, rounded } from './testing.js'

const pairs = [
  { j: 3, m: 4 },
  { j: 4, m: 4 },
  { j: 4, m: 5 },
]
const problem = denseProblem([], pairs)
const parts = [20, 35, 50].map((rows, i) => ({ x: uniformMatrix(rows, 5, i), y: uniformMatrix(rows, 7, i + 10) }))
const pairGrams = parts.map(({ x, y }) => gramOf(x, y))

function qrOf(x: Parameters<typeof withOnes>[0], y: Parameters<typeof withOnes>[0]): number[] {
  const { data } = leastSquaresByQr(withOnes(x), y)
  const [inputs, outputs] = [x.columns, y.columns]
  const weight = Array.from({ length: outputs * inputs }, (_, at) => data[(at % inputs) * outputs + Math.floor(at / inputs)]!)
  return [...weight, ...data.subarray(inputs * outputs)]
}

describe.each([1, 1e2, 1e4, 1e5])('features of condition number %d', (condition) => {
  it.each([
    [80, 12],
    [400, 20],
    [300, 60],
  ])('equals a QR of all %d rows of width %d', (rows, inputs) => {
    const x = conditioned(rows, inputs, condition, 7)
    const y = uniformMatrix(rows, 6, 8)
    const map = leastSquares()({ ...problem, inputs, outputs: 6, gram: gramOf(x, y) })
    expect(relativeError(entries(map), qrOf(x, y))).toBeLessThan(1e-6)
  })
})

it('recovers an exact map, in features far from zero as well', () => {
  const exact = randomMap(5, 7, 3)
  const x = uniformMatrix(200, 5, 4)
  for (let i = 0; i < x.data.length; i++) x.data[i]! += 20
  const map = leastSquares()({ ...problem, gram: gramOf(x, rounded(apply(exact, x))) })
  expect(relativeError(entries(map), entries(exact))).toBeLessThan(1e-4)
})

it('solves a shared stitch jointly, as if the rows were stacked', () => {
  const x = matrixOf(Float32Array.from(parts.flatMap((part) => [...part.x.data])), 105, 5)
  const y = matrixOf(Float32Array.from(parts.flatMap((part) => [...part.y.data])), 105, 7)
  const map = leastSquares({ shared: 'joint' })({ ...problem, gram: addGrams(pairGrams) })
  expect(relativeError(entries(map), qrOf(x, y))).toBeLessThan(1e-6)
  expect(map).toEqual(leastSquares()({ ...problem, gram: addGrams(pairGrams) }))
})

it('or takes the mean of the solutions', () => {
  const solutions = parts.map(({ x, y }) => qrOf(x, y))
  const mean = solutions[0]!.map((_, i) => (solutions[0]![i]! + solutions[1]![i]! + solutions[2]![i]!) / 3)
  expect(relativeError(entries(leastSquares({ shared: 'mean' })({ ...problem, pairGrams })), mean)).toBeLessThan(1e-6)
})

it('survives features that are linearly dependent and too few', () => {
  const x = uniformMatrix(3, 5, 1)
  const gram = gramOf(x, uniformMatrix(3, 7, 2))
  const map = leastSquares()({ ...problem, gram })
  expect(residual(map, gram)).toBeLessThan(1e-4)
  expect(Math.max(...entries(map).map(Math.abs))).toBeLessThan(10)
})

describe('bad input', () => {
  it('names what is missing and how to get it', () => {
    expect(() => leastSquares()(problem)).toThrow(
      'the initialiser leastSquares needs features of training images for stitch w5d9>w7d9#0, got no gram; run both tiers on some images',
    )
    expect(() => leastSquares({ shared: 'mean' })({ ...problem, pairGrams: pairGrams.slice(0, 2) })).toThrow('got no pairGrams')
    expect(() => leastSquares()({ ...problem, gram: createGram(5, 7) })).toThrow('got no rows')
  })

  it('refuses features of other widths', () => {
    const gram = gramOf(matrixOf(uniformArray(12, 1), 3, 4), uniformMatrix(3, 7, 1))
    expect(() => leastSquares()({ ...problem, gram })).toThrow('maps width 5 to 7, got features of widths 4 and 7 in gram')
  })
})
