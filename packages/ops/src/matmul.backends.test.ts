import { expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { grads, mul, square, sum, type Tensor2D, type Tensor3D, unstack } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { batchProduct, product } from './matmul.js'
import { describeVariants } from './testing/variants.js'

const FLAGS = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const

describeVariants(({ tolerances }) => {
  // 70 rows are above the threshold from which the wasm backend multiplies matrix by matrix.
  test.each([3, 70])('products of matrices with %i rows equal loops in double precision, whatever is transposed', async (rows) => {
    for (const [transposeA, transposeB] of FLAGS) {
      const random = randomTensors(1)
      const a = random<Tensor3D>(transposeA ? [2, 5, rows] : [2, rows, 5])
      const b = random<Tensor3D>(transposeB ? [2, 4, 5] : [2, 5, 4])
      const [as, bs] = [await valuesOf(a), await valuesOf(b)]
      const expected = Array.from({ length: 2 * rows * 4 }, (_, at) => {
        const [group, row, column] = [Math.floor(at / (rows * 4)), Math.floor(at / 4) % rows, at % 4]
        let sum = 0
        for (let k = 0; k < 5; k++) {
          sum +=
            as[group * rows * 5 + (transposeA ? k * rows + row : row * 5 + k)]! *
            bs[group * 20 + (transposeB ? column * 5 + k : k * 4 + column)]!
        }
        return sum
      })
      const y = batchProduct(a, b, transposeA, transposeB)
      expect(y.shape).toEqual([2, rows, 4])
      await expectClose(y, expected, tolerances.float64)
      const [first, second] = [unstack(a)[0] as Tensor2D, unstack(b)[0] as Tensor2D]
      await expectClose(product(first, second, transposeA, transposeB), expected.slice(0, rows * 4), tolerances.float64)
    }
  })

  // 300 is more than two panels of rows, of which the wasm kernel computes one half of the result.
  test.each([7, 300])('a matrix of %i columns times itself is symmetric, and equals loops in double precision', async (columns) => {
    const x = randomTensors(2)<Tensor3D>([2, 9, columns])
    const xs = await valuesOf(x)
    const expected = Array.from({ length: 2 * columns * columns }, (_, at) => {
      const [group, row, column] = [Math.floor(at / columns ** 2), Math.floor(at / columns) % columns, at % columns]
      let sum = 0
      for (let k = 0; k < 9; k++) sum += xs[(group * 9 + k) * columns + row]! * xs[(group * 9 + k) * columns + column]!
      return sum
    })
    await expectClose(batchProduct(x, x, true), expected, tolerances.float64)
  })

  test('gradients reach both matrices', async () => {
    const random = randomTensors(3)
    const [a, b] = [random<Tensor3D>([2, 5, 3]), random<Tensor3D>([2, 5, 4])]
    const [da, db] = grads((a, b) => sum(square(batchProduct(a as Tensor3D, b as Tensor3D, true))))([a, b])
    const y = mul(batchProduct(a, b, true), 2) as Tensor3D // [2, 3, 4]
    await expectClose(da!, await valuesOf(batchProduct(b, y, false, true)), tolerances.float64)
    await expectClose(db!, await valuesOf(batchProduct(a, y)), tolerances.float64)
  })
})
