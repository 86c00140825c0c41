import { grad, onesLike, tensor1d, tidy } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { gelu } from './gelu.js'
import { checkOperation } from './testing/check-operation.js'
import { gaussianDensity, gaussianDistribution } from './testing/float64.js'
import { randomTensors } from './testing/random.js'
import { TOLERANCES } from './testing/tolerances.js'
import { describeVariants } from './testing/variants.js'

describeVariants(() => {
  test('has the gradient of its values, and leaks nothing', () => {
    checkOperation((x) => gelu(x!), [randomTensors(1)([3, 5], 2)])
  })

  test('is exact to float32 on [-8, 8], and so is its gradient', () => {
    const points = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 250)
    const [values, derivatives] = tidy(() => {
      const x = tensor1d(points)
      return [gelu(x).dataSync(), grad(gelu)(x, onesLike(x)).dataSync()]
    })
    for (const [i, x] of points.entries()) {
      const distribution = gaussianDistribution(x)
      expect(Math.abs(values[i]! - x * distribution)).toBeLessThan(TOLERANCES.gelu)
      expect(Math.abs(derivatives[i]! - distribution - x * gaussianDensity(x))).toBeLessThan(TOLERANCES.gelu)
    }
  })

  test('is 0 and the identity far out, and NaN for NaN', () => {
    const y = tidy(() => gelu(tensor1d([-1e6, -40, 0, 40, 1e6, Number.NaN])).dataSync())
    expect(Array.from(y, Math.abs)).toEqual([0, 0, 0, 40, 1e6, Number.NaN])
  })
})
