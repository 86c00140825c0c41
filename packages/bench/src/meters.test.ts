import { expect, it } from 'vitest'
import { meterGpu } from './meters.js'

class PassEncoder {
  ran: number[] = []
  dispatchWorkgroups(x: number) {
    this.ran.push(x)
  }
  dispatchWorkgroupsIndirect() {}
}

it('counts dispatches, uploads, buffers and bytes, and passes every call on', () => {
  const destroyed: number[] = []
  const written: unknown[] = []
  const queue = { writeBuffer: (...call: unknown[]) => void written.push(call) }
  const device = {
    queue,
    createBuffer: ({ size }: { size: number }) => ({ size, destroy: () => void destroyed.push(size) }),
  } as unknown as GPUDevice
  const meter = meterGpu(device, device.queue, PassEncoder as never)

  const first = device.createBuffer({ size: 100, usage: 0 })
  const second = device.createBuffer({ size: 50, usage: 0, mappedAtCreation: true })
  first.destroy()
  first.destroy()
  device.createBuffer({ size: 20, usage: 0 })
  device.queue.writeBuffer(second, 0, new Float32Array(1))
  const pass = new PassEncoder()
  pass.dispatchWorkgroups(7)
  pass.dispatchWorkgroupsIndirect()

  expect(meter).toEqual({ dispatches: 2, uploads: 2, newBuffers: 3, bytes: 70, peakBytes: 150 })
  expect(destroyed).toEqual([100, 100])
  expect(written).toHaveLength(1)
  expect(pass.ran).toEqual([7])
})
