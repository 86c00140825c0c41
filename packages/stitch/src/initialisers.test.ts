import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identity, initialisers, learned, leastSquares, paper, pinv, random, ridge } from './initialisers.js'
import { addGrams, columnsOfMap, createGram, type Matrix, matrixOf, residual, transpose } from './linear-algebra.js'
import {
  at,
  conditioned,
  leastSquaresByQr,
  naiveProduct,
  relativeError,
  uniformArray,
  uniformMatrix,
  withOnes,
} from './testing/matrices.js'
import { testRng } from './testing/paths.js'
import { apply, denseProblem, entries, gramOf, randomMap, rounded } from './testing/problems.js'
import { identityMap } from './transformation.js'

describe('initialisers', () => {
  it('offers every initialiser by its name', () => {
    expect(Object.keys(initialisers)).toEqual(['learned', 'paper', 'pinv', 'leastSquares', 'ridge', 'random', 'identity'])
  })

  it.each(Object.entries(initialisers))('%s returns a map of the right size without changing the problem', (_, initialise) => {
    const problem = {
      ...denseProblem(['student', 'teacher'], undefined, 6, 6),
      gram: gramOf(uniformMatrix(40, 6, 1), uniformMatrix(40, 6, 2)),
    }
    const { rng: _rng, ...values } = problem
    const before = structuredClone(values)
    const map = initialise(problem)
    expect(values).toEqual(before)
    expect([map.inputs, map.outputs, map.weight.length, map.bias.length]).toEqual([6, 6, 36, 6])
    expect(entries(map).every(Number.isFinite)).toBe(true)
  })
})

describe('learned', () => {
  const problem = denseProblem(['student'])

  it('solves S_t [M, c] = [S_s, b_s - b_t] at the nearest position', () => {
    const [front, back] = [problem.from[1]!.map, problem.to[1]!.map]
    const right = new Float64Array(11 * 6)
    for (let i = 0; i < 11; i++) {
      for (let k = 0; k < 5; k++) right[i * 6 + k] = front.weight[i * 5 + k]!
      right[i * 6 + 5] = front.bias[i]! - back.bias[i]!
    }
    const expected = leastSquaresByQr(matrixOf(back.weight, 11, 7), matrixOf(right, 11, 6)).data
    const map = learned(problem)
    const rows = Array.from({ length: 7 }, (_, o) => [...map.weight.subarray(o * 5, o * 5 + 5), map.bias[o]!]).flat()
    expect(relativeError(rows, expected)).toBeLessThan(1e-6)
    expect([map.inputs, map.outputs]).toEqual([5, 7])
  })

  it('recovers the exact map where the features of both tiers are images of the ancestor features', () => {
    const exact = randomMap(5, 7, 31)
    const back = randomMap(7, 11, 41)
    // S_s f_s + b_s = f_a = S_t f_t + b_t with f_t = M f_s + c: S_s = S_t M, b_s = S_t c + b_t.
    const backWeight = matrixOf(back.weight, 11, 7)
    const moved = naiveProduct(backWeight, matrixOf(exact.bias, 7, 1)).data
    const front = {
      inputs: 5,
      outputs: 11,
      weight: Float32Array.from(naiveProduct(backWeight, matrixOf(exact.weight, 7, 5)).data),
      bias: back.bias.map((b, i) => b + moved[i]!),
    }
    const map = learned({ ...problem, from: [{ ...problem.from[0]!, map: front }], to: [{ ...problem.to[0]!, map: back }] })
    expect(relativeError(entries(map), entries(exact))).toBeLessThan(1e-5)
    const features = uniformMatrix(20, 5, 51)
    expect(relativeError(apply(back, apply(map, features)).data, apply(front, features).data)).toBeLessThan(1e-6)
  })

  describe('a back tier that lives in the ancestor space', () => {
    const fixed = { ...problem, outputs: 11, to: problem.to.map((t) => ({ ...t, map: identityMap(11) })) }

    it('gets S_s itself, to the bit, as a copy', () => {
      const map = learned(fixed)
      expect(map).toEqual(problem.from[1]!.map)
      expect(map.weight).not.toBe(problem.from[1]!.map.weight)
      expect(map.bias).not.toBe(problem.from[1]!.map.bias)
    })

    it('and S_s less the bias where the identity was trained a bias', () => {
      const bias = new Float32Array(11).fill(0.5)
      const map = learned({ ...fixed, to: fixed.to.map((t) => ({ ...t, map: { ...t.map, bias } })) })
      expect(relativeError(map.weight, problem.from[1]!.map.weight)).toBeLessThan(1e-6)
      expect(
        relativeError(
          map.bias,
          problem.from[1]!.map.bias.map((b) => b - 0.5),
        ),
      ).toBeLessThan(1e-6)
    })
  })

  it('takes the solution of smallest norm where the back tier is wider than the ancestor', () => {
    const wide = denseProblem(['student'], undefined, 5, 13)
    const map = learned(wide)
    const [front, back] = [wide.from[1]!.map, wide.to[1]!.map]
    const x = uniformMatrix(9, 5, 3)
    expect(relativeError(apply(back, apply(map, x)).data, apply(front, x).data)).toBeLessThan(1e-5)
    // Smallest norm: M lies in the row space of S_t.
    const rowSpace = transpose(matrixOf(back.weight, 11, 13))
    const projected = naiveProduct(rowSpace, leastSquaresByQr(rowSpace, matrixOf(map.weight, 13, 5)))
    expect(relativeError(projected.data, map.weight)).toBeLessThan(1e-6)
  })

  it('needs side student', () => {
    expect(() => learned(denseProblem(['teacher']))).toThrow("the initialiser learned needs transformation matrices of side 'student'")
  })
})

describe('paper', () => {
  const problem = denseProblem(['teacher'])

  it('multiplies the means, entry by entry', () => {
    const { weight, bias } = paper(problem)
    for (let o = 0; o < 7; o++) {
      for (let i = 0; i < 5; i++) {
        let sum = 0
        for (let a = 0; a < 11; a++) {
          const mean = (all: typeof problem.to, row: number) => all.reduce((total, { map }) => total + map.weight[row * 11 + a]!, 0) / 3
          sum += mean(problem.to, o) * mean(problem.from, i)
        }
        expect(weight[o * 5 + i]).toBeCloseTo(sum, 6)
      }
    }
    expect([...bias]).toEqual(Array(7).fill(0))
  })

  it('is the same for all stitches of two tiers', () => {
    expect(paper({ ...problem, slot: { ...problem.slot, pairs: [{ j: 0, m: 0 }] } })).toEqual(paper(problem))
  })

  it('is mean(W_s)^T at the ancestor width, where W_t is fixed to the identity', () => {
    const { weight } = paper({
      ...problem,
      outputs: 11,
      to: problem.to.map((t) => ({ ...t, side: 'student' as const, map: identityMap(11) })),
    })
    for (let a = 0; a < 11; a++) {
      for (let i = 0; i < 5; i++) {
        expect(weight[a * 5 + i]).toBeCloseTo(problem.from.reduce((sum, { map }) => sum + map.weight[i * 11 + a]!, 0) / 3, 6)
      }
    }
  })

  it('needs side teacher', () => {
    expect(() => paper(denseProblem(['student']))).toThrow("the initialiser paper needs transformation matrices of side 'teacher'")
  })
})

describe('pinv', () => {
  const problem = denseProblem(['teacher'])

  const [front, back] = [problem.from[1]!.map, problem.to[1]!.map]

  /** W^+ [columns, rows] of a wide matrix of full rank, by a QR of its transpose. */
  function inverseByQr(wide: Matrix): Matrix {
    const eye = matrixOf(
      Float64Array.from({ length: wide.columns ** 2 }, (_, at) => (at % (wide.columns + 1) === 0 ? 1 : 0)),
      wide.columns,
      wide.columns,
    )
    return transpose(leastSquaresByQr(transpose(wide), eye))
  }

  it('is W_t W_s^+ and b_t - M b_s at the nearest position', () => {
    const expected = naiveProduct(matrixOf(back.weight, 7, 11), inverseByQr(matrixOf(front.weight, 5, 11)))
    const map = pinv(problem)
    expect(relativeError(map.weight, expected.data)).toBeLessThan(1e-6)
    const moved = naiveProduct(expected, matrixOf(front.bias, 5, 1)).data
    expect(
      relativeError(
        map.bias,
        back.bias.map((b, i) => b - moved[i]!),
      ),
    ).toBeLessThan(1e-6)
  })

  it('maps the image of ancestor features to their image, where they lie in the row space of W_s', () => {
    const fa = naiveProduct(uniformMatrix(12, 5, 1), matrixOf(front.weight, 5, 11))
    expect(relativeError(apply(pinv(problem), apply(front, fa)).data, apply(back, fa).data)).toBeLessThan(1e-5)
  })

  it('is W_s^+ at the ancestor width, where W_t is fixed to the identity', () => {
    const map = pinv({ ...problem, outputs: 11, to: problem.to.map((t) => ({ ...t, map: identityMap(11) })) })
    expect(relativeError(map.weight, naiveProduct(identity11(), inverseByQr(matrixOf(front.weight, 5, 11))).data)).toBeLessThan(1e-6)
  })

  const identity11 = () => matrixOf(identityMap(11).weight, 11, 11)

  it('stays finite where W_s has collapsed', () => {
    const collapsed = { ...front, weight: new Float32Array(front.weight.length) }
    const map = pinv({ ...problem, from: problem.from.map((t) => ({ ...t, map: collapsed })) })
    expect(map.weight.every((value) => value === 0)).toBe(true)
    expect(map.bias).toEqual(back.bias)
  })

  it('needs side teacher', () => {
    expect(() => pinv(denseProblem(['student']))).toThrow("the initialiser pinv needs transformation matrices of side 'teacher'")
  })
})

describe('leastSquares', () => {
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
      const other = gramOf(uniformMatrix(3, 5, 1), uniformMatrix(3, 6, 1))
      expect(() => leastSquares()({ ...problem, gram: other })).toThrow('maps width 5 to 7, got features of widths 5 and 6 in gram')
    })
  })
})

describe('ridge', () => {
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
})

describe('random', () => {
  const problem = (seed: number) => ({ ...denseProblem([], undefined, 100, 300), rng: testRng(seed) })

  it('fills the interval of +-1 / sqrt(D_s) evenly, weight and bias', () => {
    const map = random(problem(1))
    expect([map.weight.length, map.bias.length]).toEqual([30000, 300])
    for (const values of [map.weight, map.bias]) {
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.1)
      expect(Math.max(...values)).toBeGreaterThan(0.09)
      expect(Math.min(...values)).toBeLessThan(-0.09)
    }
    const variance = map.weight.reduce((sum, value) => sum + value * value, 0) / 30000
    expect(variance / (0.01 / 3)).toBeCloseTo(1, 1)
  })

  it('depends on the generator only', () => {
    expect(entries(random(problem(1)))).toEqual(entries(random(problem(1))))
    expect(entries(random(problem(1)))).not.toEqual(entries(random(problem(2))))
  })
})

describe('identity', () => {
  it('passes features on', () => {
    const x = uniformMatrix(4, 6, 1)
    expect([...apply(identity(denseProblem([], undefined, 6, 6)), x).data]).toEqual([...x.data])
  })

  it('needs equal widths', () => {
    expect(() => identity(denseProblem([]))).toThrow('needs tiers of equal width, stitch w5d9>w7d9#0 maps width 5 to 7')
  })
})
