import { getBackend } from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { BACKEND_NAMES, type BackendName } from './backend-names.js'
import { describeBackend, describeBackends } from './describe-backends.js'
import { useBackend } from './use-backend.js'

test('describes all five in the order of auto and leaves the current one current', async () => {
  await useBackend('cpu')
  const all = await describeBackends()
  expect(getBackend()).toBe('cpu')
  expect(all.map(({ name }) => name)).toEqual([...BACKEND_NAMES])
  for (const { available, reason, version, features } of all) {
    expect(reason === null).toBe(available)
    expect(version === null).toBe(!available)
    if (!available) expect(features).toEqual([])
  }
  expect(all[3]).toMatchObject({ name: 'wasm', available: true, version: '4.22.0', device: null })
  expect(all[4]).toEqual({ name: 'cpu', available: true, reason: null, version: '4.22.0', device: null, features: [] })
  expect(JSON.parse(JSON.stringify(all))).toEqual(all)
})

test('describes one by its name', async () => {
  expect(await describeBackend('wasm')).toMatchObject({ name: 'wasm', available: true, version: '4.22.0' })
  await expect(describeBackend('cuda' as BackendName)).rejects.toThrow("a backend's name must be one of")
})
