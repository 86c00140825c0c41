import type { AffineMap } from '@learngene/vit-blocks'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { naiveProduct, relativeError, uniformArray, uniformMatrix, withOnes } from '../testing/matrices.js'
import {
  accumulate,
  accumulateCross,
  accumulateInputs,
  addGrams,
  columnsOfMap,
  createCrossGram,
  createGram,
  createInputGram,
  type Gram,
  joinGrams,
  mapOfColumns,
  residual,
} from './gram.js'
import { matrixOf, transpose } from './matrix.js'

describe('gram', () => {
  function gramOf(x: Float32Array, inputs: number, y: Float32Array, outputs: number): Gram {
    const gram = createGram(inputs, outputs)
    accumulate(gram, x, y)
    return gram
  }

  /** All numbers of a Gram, the lower triangle of X^T X left out. */
  function numbers({ input, cross }: Gram): number[] {
    const n = input.inputs + 1
    return [...input.xtx.data.filter((_, at) => at % n >= Math.floor(at / n)), ...cross.xty.data, cross.squares, input.count, cross.count]
  }

  it('holds the normal equations of [features, 1]', () => {
    const [rows, inputs, outputs] = [300, 6, 5]
    const x = uniformArray(rows * inputs, 1)
    const y = uniformArray(rows * outputs, 2)
    const ones = withOnes(matrixOf(x, rows, inputs))
    const expected = {
      input: { inputs, count: rows, xtx: naiveProduct(transpose(ones), ones) },
      cross: {
        inputs,
        outputs,
        count: rows,
        xty: naiveProduct(transpose(ones), matrixOf(y, rows, outputs)),
        squares: y.reduce((sum, v) => sum + v * v, 0),
      },
    }
    expect(relativeError(numbers(gramOf(x, inputs, y, outputs)), numbers(expected))).toBeLessThan(1e-14)
  })

  it('does not depend on how the rows are cut into batches, nor does its size', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 8 }), (batches) => {
        const rows = batches.reduce((a, b) => a + b, 0)
        const x = uniformArray(rows * 5, 3)
        const y = uniformArray(rows * 3, 4)
        const streamed = createGram(5, 3)
        let start = 0
        for (const batch of batches) {
          accumulate(streamed, x.subarray(start * 5, (start + batch) * 5), y.subarray(start * 3, (start + batch) * 3))
          start += batch
        }
        const whole = numbers(gramOf(x, 5, y, 3))
        const errors = numbers(streamed).map((value, i) => Math.abs(value - whole[i]!))
        expect(Math.max(...errors)).toBeLessThanOrEqual(1e-14 * rows)
        expect(streamed.input.xtx.data.length + streamed.cross.xty.data.length).toBe(36 + 18)
      }),
      { seed: 1, numRuns: 40 },
    )
  })

  it('shares X^T X between stitches that start from one block', () => {
    const x = uniformArray(40 * 4, 1)
    const input = createInputGram(4)
    accumulateInputs(input, x)
    for (const outputs of [3, 6]) {
      const y = uniformArray(40 * outputs, outputs)
      const cross = createCrossGram(4, outputs)
      accumulateCross(cross, x, y)
      const joined = joinGrams(input, cross)
      expect(numbers(joined)).toEqual(numbers(gramOf(x, 4, y, outputs)))
      expect(joined.input).toBe(input)
    }
  })

  it('adds up to the Gram of all rows', () => {
    const parts = [10, 25, 7].map((rows, i) => ({ x: uniformArray(rows * 4, i), y: uniformArray(rows * 2, i + 9) }))
    const grams = parts.map(({ x, y }) => gramOf(x, 4, y, 2))
    const before = numbers(grams[0]!)
    const x = Float32Array.from(parts.flatMap((part) => [...part.x]))
    const y = Float32Array.from(parts.flatMap((part) => [...part.y]))
    expect(relativeError(numbers(addGrams(grams)), numbers(gramOf(x, 4, y, 2)))).toBeLessThan(1e-14)
    expect(numbers(grams[0]!)).toEqual(before)
  })

  describe('bad input', () => {
    it('refuses rows that are not whole or not equally many', () => {
      const gram = createGram(4, 2)
      expect(() => accumulate(gram, new Float32Array(9), new Float32Array(4))).toThrow('x must hold whole rows of width 4, got 9 numbers')
      expect(() => accumulate(gram, new Float32Array(8), new Float32Array(3))).toThrow('y must hold whole rows of width 2, got 3 numbers')
      expect(() => accumulate(gram, new Float32Array(8), new Float32Array(6))).toThrow(
        'equally many rows, got 2 of width 4 and 3 of width 2',
      )
      expect(numbers(gram).every((value) => value === 0)).toBe(true)
    })

    it('refuses parts that saw different rows', () => {
      const input = createInputGram(4)
      accumulateInputs(input, new Float32Array(8))
      expect(() => joinGrams(input, createCrossGram(4, 2))).toThrow('got X^T X of 2 rows of width 4 and X^T Y of 0 rows of width 4')
      expect(() => joinGrams(createInputGram(3), createCrossGram(4, 2))).toThrow('of width 3')
    })

    it('refuses to add nothing or different widths', () => {
      expect(() => addGrams([])).toThrow('at least one, got none')
      expect(() => addGrams([createGram(4, 2), createGram(4, 3)])).toThrow('equal widths, got 4 -> 2 and 4 -> 3')
      expect(() => addGrams([createGram(4, 2), createGram(5, 2)])).toThrow('equal widths, got 4 -> 2 and 5 -> 2')
    })
  })
})

describe('columnsOfMap and mapOfColumns', () => {
  const map = { inputs: 3, outputs: 2, weight: uniformArray(6, 1), bias: uniformArray(2, 2) }

  it('stands the bias under the transposed weight', () => {
    const { weight: w, bias: b } = map
    expect([...columnsOfMap(map).data]).toEqual([w[0], w[3], w[1], w[4], w[2], w[5], b[0], b[1]])
  })

  it('comes back', () => {
    expect(mapOfColumns(columnsOfMap(map))).toEqual(map)
  })

  it('reads views', () => {
    const { weight, bias } = mapOfColumns(transpose(uniformMatrix(2, 4, 3)))
    const d = uniformArray(8, 3)
    expect([...weight, ...bias]).toEqual([d[0], d[1], d[2], d[4], d[5], d[6], d[3], d[7]])
  })
})

describe('residual', () => {
  function gramOf(x: Float32Array, inputs: number, y: Float32Array, outputs: number) {
    const gram = createGram(inputs, outputs)
    accumulate(gram, x, y)
    return gram
  }

  const mapFrom = (inputs: number, outputs: number, seed: number): AffineMap => ({
    inputs,
    outputs,
    weight: uniformArray(inputs * outputs, seed),
    bias: uniformArray(outputs, seed + 1),
  })

  const width = fc.integer({ min: 1, max: 9 })

  it('equals the error over all rows', () => {
    fc.assert(
      fc.property(width, width, fc.integer({ min: 1, max: 50 }), (inputs, outputs, rows) => {
        const x = uniformArray(rows * inputs, 1)
        const y = uniformArray(rows * outputs, 2)
        const map = mapFrom(inputs, outputs, 3)
        const fitted = naiveProduct(withOnes(matrixOf(x, rows, inputs)), columnsOfMap(map))
        expect(residual(map, gramOf(x, inputs, y, outputs)) / relativeError(fitted.data, y)).toBeCloseTo(1, 10)
      }),
      { seed: 1, numRuns: 60 },
    )
  })

  it('is a number near 0 for an exact map, never NaN', () => {
    for (let seed = 0; seed < 20; seed++) {
      const map = mapFrom(6, 4, seed)
      const x = uniformArray(30 * 6, seed + 50)
      const y = Float32Array.from(naiveProduct(withOnes(matrixOf(x, 30, 6)), columnsOfMap(map)).data)
      expect(residual(map, gramOf(x, 6, y, 4))).toBeLessThan(2e-7)
    }
  })

  describe('targets of zeros', () => {
    const gram = gramOf(uniformArray(12, 1), 3, new Float32Array(8), 2)

    it('are met or missed', () => {
      expect(residual(mapFrom(3, 2, 1), gram)).toBe(Number.POSITIVE_INFINITY)
      expect(residual({ inputs: 3, outputs: 2, weight: new Float32Array(6), bias: new Float32Array(2) }, gram)).toBe(0)
    })
  })

  it('refuses other widths and no rows', () => {
    expect(() => residual(mapFrom(3, 2, 1), createGram(3, 4))).toThrow('got a 3 -> 2 map and 3 -> 4 features')
    expect(() => residual(mapFrom(3, 2, 1), createGram(4, 2))).toThrow('got a 3 -> 2 map and 4 -> 2 features')
    expect(() => residual(mapFrom(3, 2, 1), createGram(3, 2))).toThrow('at least one row')
  })
})
