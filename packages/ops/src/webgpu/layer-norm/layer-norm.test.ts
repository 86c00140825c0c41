import { expectClose, randomTensors } from '@learngene/testing'
import { add, dispose, grads, square, type Tensor, type Tensor1D, tensor1d } from '@tensorflow/tfjs-core'
import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { findKernel } from '../../kernels.js'
import { layerNorm, layerNormWithSkip } from '../../layer-norm.js'
import { compareModes, describeWebGPU } from '../../testing/compare-modes.js'
import { layerNormRow } from '../../testing/float64.js'

const seed = fc.integer({ min: 0, max: 2 ** 31 })

/** Few, since each is a shader of its own: one vector a thread and several, whole vectors and single values, one team a workgroup and several. */
const WIDTHS = [2, 5, 12, 192, 516, 1025]

/** Rows none of which is nearly constant, which would blow rounding up. */
function spread(rows: number, width: number, random: ReturnType<typeof randomTensors>): Tensor {
  const noise = random([rows, width], 0.3)
  const signs = tensor1d(Array.from({ length: width }, (_, i) => (i % 2 === 0 ? 1 : -1)))
  const x = add(noise, signs)
  dispose([noise, signs])
  return x
}

/** Of both values, each with a gradient of its own. */
const residual = (x?: Tensor, gamma?: Tensor, beta?: Tensor) => {
  const { skip, normalised } = layerNormWithSkip(x!, gamma as Tensor1D, beta as Tensor1D)
  return add(skip, square(normalised))
}

const normalise = (x?: Tensor, gamma?: Tensor, beta?: Tensor) => layerNorm(x!, gamma as Tensor1D, beta as Tensor1D)

describeWebGPU((tolerances) => {
  beforeAll(() => expect(findKernel('LearngeneLayerNormGrad')).toBeDefined())

  test('equals its reference form on any shape', async () => {
    const width = fc.constantFrom(...WIDTHS)
    const property = fc.asyncProperty(seed, fc.integer({ min: 1, max: 40 }), width, async (seed, rows, width) => {
      const random = randomTensors(seed)
      await compareModes(normalise, [spread(rows, width, random), random([width]), random([width])], random([rows, width]))
    })
    await fc.assert(property, { numRuns: 20, examples: WIDTHS.map((width, i) => [i, i + 1, width]) })
  })

  test('equals its reference form where a workgroup takes several rounds of rows', async () => {
    const random = randomTensors(5)
    await compareModes(normalise, [spread(1030, 129, random), random([129]), random([129])], random([1030, 129]))
  })

  test.each([
    [37, 5],
    [1030, 192],
    [3, 1025],
  ])('adds the gradient of a skip connection, %d rows of %d', async (rows, width) => {
    const random = randomTensors(8)
    await compareModes(residual, [spread(rows, width, random), random([width]), random([width])], random([rows, width]))
  })

  test('follows a float64 loop', async () => {
    const random = randomTensors(6)
    const inputs = [spread(3, 50, random), random([50]), random([50])]
    const [x, gamma, beta] = (await Promise.all(inputs.map((tensor) => tensor.data()))) as [Float32Array, Float32Array, Float32Array]
    const expected = [0, 1, 2].flatMap((row) => layerNormRow(x.slice(50 * row, 50 * row + 50), gamma, beta, 1e-6))
    await expectClose(normalise(...inputs), expected, tolerances.float64, 'value')
  })

  test('a batch of no rows gives no rows, and zeros for the parameters', async () => {
    const random = randomTensors(7)
    const gradients = grads(normalise)([random([0, 6]), random([6]), random([6])], random([0, 6]))
    await expectClose(gradients[1]!, new Float32Array(6), 0, 'dGamma')
    await expectClose(gradients[2]!, new Float32Array(6), 0, 'dBeta')
  })
})
