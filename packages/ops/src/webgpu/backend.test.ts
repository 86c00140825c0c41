import { expect, test } from 'vitest'
import { adapterInfoOf, type WebGPUBackend } from './backend.js'
import { DEVICE_MODELS } from './linear/device-model.js'
import { planDevice } from './linear/planning.js'

const [own, repeated] = [{ vendor: 'nvidia', architecture: 'hopper' }, { vendor: 'nvidia' }]
const fake = (adapterInfo?: object, learngeneAdapterInfo?: object) =>
  ({ device: { limits: {}, adapterInfo }, learngeneAdapterInfo }) as unknown as WebGPUBackend

test("is the adapter's own, else what the device repeats of it, else nothing", () => {
  expect(adapterInfoOf(fake(repeated, own))).toBe(own)
  expect(adapterInfoOf(fake(repeated))).toBe(repeated)
  expect(adapterInfoOf(fake())).toEqual({})
})

test('decides what products are planned for', () => {
  expect(planDevice(fake(repeated, own)).model).toBe(DEVICE_MODELS.hopper)
  expect(planDevice(fake(repeated)).model).toBe(DEVICE_MODELS.discrete)
})
