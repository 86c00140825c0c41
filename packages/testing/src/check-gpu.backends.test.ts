import { engine, scalar, square, type Tensor } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { checkGpu } from './check-gpu.js'
import { describeEachBackend } from './describe-each-backend.js'

describeEachBackend(({ name }) => {
  if (name === 'webgpu') {
    test('an error that the device reports is thrown, once', async () => {
      const { device } = engine().backend as unknown as { device: GPUDevice }
      await square(scalar(3)).data()
      device.createBuffer({ size: 16, usage: 0xffff })
      await expect(checkGpu()).rejects.toThrow('a WebGPU command failed')
      await checkGpu()
    })
  }

  let made: Tensor
  test('what a test makes', () => {
    made = scalar(1)
    expect(made.isDisposed).toBe(false)
  })
  test('is freed after it', () => expect(made.isDisposed).toBe(true))
})
