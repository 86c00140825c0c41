import { checkGradients, randomTensors, valuesOf } from '@learngene/testing'
import { grad, onesLike, tensor1d } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { gelu } from './gelu.js'
import { gaussianDensity, gaussianDistribution } from './testing/float64.js'
import { describeVariants } from './testing/variants.js'

describeVariants(({ tolerances }) => {
  test('has the gradient of its values, and leaks nothing', async () => {
    await checkGradients((x) => gelu(x!), [randomTensors(1)([3, 5], 2)], tolerances.numericGradient)
  })

  test('is exact to float32 on [-8, 8], and so is its gradient', async () => {
    const points = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 250)
    const x = tensor1d(points)
    const [values, derivatives] = [await valuesOf(gelu(x)), await valuesOf(grad(gelu)(x, onesLike(x)))]
    for (const [i, x] of points.entries()) {
      const distribution = gaussianDistribution(x)
      expect(Math.abs(values[i]! - x * distribution)).toBeLessThan(tolerances.gelu)
      expect(Math.abs(derivatives[i]! - distribution - x * gaussianDensity(x))).toBeLessThan(tolerances.gelu)
    }
  })

  test('is 0 and the identity far out, and NaN for NaN', async () => {
    const y = await valuesOf(gelu(tensor1d([-1e6, -40, 0, 40, 1e6, Number.NaN])))
    expect(y.map(Math.abs)).toEqual([0, 0, 0, 40, 1e6, Number.NaN])
  })
})
