import { type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core'
import '../../gradients.js'
import { expect, test } from 'vitest'
import { linear } from '../../linear.js'
import { findKernel } from '../../kernels.js'
import { randomTensors } from '../../testing/random.js'
import { expectCloseData, runMode, startWebGPU } from '../../testing/webgpu.js'

const missing = await startWebGPU()
test.skipIf(missing)('quick', async () => {
  expect(findKernel('LearngeneLinear')).toBeDefined()
  for (const [m, k, n] of [[64, 64, 64], [128, 192, 576], [197, 192, 192], [1, 1, 1], [5, 7, 3], [33, 65, 130], [1000, 64, 64], [1001, 37, 64], [130,1,130]]) {
    const r = randomTensors(m! + n!)
    const inputs = [r([m!, k!]), r([n!, k!]), r([n!])]
    const dy = r([m!, n!])
    const f = (x?: Tensor, w?: Tensor, b?: Tensor) => linear(x!, w as Tensor2D, b as Tensor1D)
    const t0 = performance.now()
    const actual = await runMode('auto', f as never, inputs, dy)
    await actual[0]!.data()
    const t1 = performance.now()
    const expected = await runMode('reference', f as never, inputs, dy)
    await expected[0]!.data()
    console.log(m, k, n, t1 - t0, performance.now() - t1)
    for (const [i, t] of actual.entries()) await expectCloseData(t, expected[i]!, 1e-5, `${m} ${k} ${n}: ${i}`)
  }
})
