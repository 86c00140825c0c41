import { checkGradients, randomTensors, valuesOf } from '@learngene/testing'
import { tensor1d, zeros } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { type Activation, activate } from './activation.js'
import { gelu } from './gelu.js'
import { describeVariants } from './testing/variants.js'

const exact: { readonly [activation in 'geluTanh' | 'quickGelu']: (x: number) => number } = {
  geluTanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quickGelu: (x) => x / (1 + Math.exp(-1.702 * x)),
}

describeVariants(({ tolerances }) => {
  for (const activation of ['geluTanh', 'quickGelu'] as const) {
    test(`${activation} is its formula to float32 on [-8, 8], and the identity or 0 far out`, async () => {
      const points = Float32Array.from({ length: 2001 }, (_, i) => (i - 1000) / 125)
      const values = await valuesOf(activate(tensor1d(points), activation))
      for (const [i, x] of points.entries()) expect(Math.abs(values[i]! - exact[activation](x))).toBeLessThan(tolerances.gelu)
      expect((await valuesOf(activate(tensor1d([-1e4, -200, 0, 60, 1e4]), activation))).map(Math.abs)).toEqual([0, 0, 0, 60, 1e4])
    })

    test(`${activation} has the gradient of its values, and leaks nothing`, async () => {
      await checkGradients((x) => activate(x!, activation), [randomTensors(1)([3, 5], 2)], tolerances.numericGradient)
    })
  }

  test('gelu is gelu', async () => {
    const x = randomTensors(2)([7])
    expect(await valuesOf(activate(x, 'gelu'))).toEqual(await valuesOf(gelu(x)))
  })
})

test('refuses other activations', () => {
  expect(() => activate(zeros([1]), 'relu' as Activation)).toThrow(`activation: must be 'gelu' or 'geluTanh' or 'quickGelu'; got "relu"`)
})
