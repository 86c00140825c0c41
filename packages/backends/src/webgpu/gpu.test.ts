import { expect, test, vi } from 'vitest'
import { requestAdapter } from './adapter.js'

const inPage = async (navigator: object, run: () => Promise<void>) => {
  vi.resetModules()
  vi.stubGlobal('process', undefined)
  vi.stubGlobal('navigator', navigator)
  try {
    await run()
  } finally {
    vi.unstubAllGlobals()
  }
}

test('a page without WebGPU says what is missing', () =>
  inPage({}, async () => {
    await expect(requestAdapter()).rejects.toThrow('navigator.gpu is missing: this engine has no WebGPU, or the page is not served over')
  }))

test('a page whose WebGPU has no adapter says so', () =>
  inPage({ gpu: { requestAdapter: async () => null } }, async () => {
    await expect(requestAdapter()).rejects.toThrow('WebGPU gives no adapter')
  }))
