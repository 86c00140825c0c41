import type { AffineMap } from '@learngene/vit-blocks'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { columnsOfMap } from './affine-columns.js'
import { accumulate, createGram } from './gram.js'
import { matrixOf } from './matrix.js'
import { residual } from './residual.js'
import { naiveProduct, relativeError, uniformArray, withOnes } from './testing.js'

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
  expect(() => residual(mapFrom(3, 2, 1), createGram(3, 2))).toThrow('at least one row')
})
