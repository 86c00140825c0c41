import { expectClose, randomTensors, valuesOf } from '@learngene/testing'
import { type Tensor2D, type Tensor3D, unstack } from '@tensorflow/tfjs-core'
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
})
