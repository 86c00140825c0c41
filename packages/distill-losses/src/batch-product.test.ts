import { matMul, type Tensor3D, tidy } from '@tensorflow/tfjs-core'
import { it } from 'vitest'
import { batchProduct } from './batch-product.js'
import { describeBackends } from './testing/backends.js'
import { expectClose } from './testing/expect-close.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'

describeBackends(() => {
  it.each([5, 63, 64, 70])('multiplies corresponding matrices of %i rows', (rows) =>
    tidy(() => {
      const random = randomTensors(rows)
      const [a, b] = [random<Tensor3D>(3, rows, 4), random<Tensor3D>(3, 4, 6)]
      expectClose(batchProduct(a, b), matMul(a, b), TOLERANCES.identity)
    }),
  )
})
