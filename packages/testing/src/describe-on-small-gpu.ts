import { useBackend } from '@learngene/backends'
import { engine } from '@tensorflow/tfjs-core'
import { afterAll, beforeEach, describe } from 'vitest'
import { limitGpuMemory } from './limit-gpu-memory.js'

/**
 * Tests on webgpu whose device has so little memory; each begins on one that holds nothing. They are skipped, with the reason, where webgpu does not start.
 *
 * @param limit bytes
 * @param tests is given what starts another such device
 */
export async function describeOnSmallGpu(what: string, limit: number, tests: (startAnew: () => Promise<void>) => void): Promise<void> {
  const missing = await useBackend('webgpu').then(
    () => '',
    (error: Error) => ` (${error.message})`,
  )
  describe.skipIf(missing !== '')(`${what} on a GPU of ${limit / 2 ** 20} MiB${missing}`, () => {
    const restore = missing === '' ? limitGpuMemory(limit) : () => {}
    afterAll(restore)
    const startAnew = async () => {
      const { device } = engine().backend as unknown as { device: GPUDevice }
      device.destroy()
      await device.lost
      await useBackend('webgpu')
    }
    beforeEach(startAnew)
    tests(startAnew)
  })
}
