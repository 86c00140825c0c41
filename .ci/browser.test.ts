import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright'
import { build, type PreviewServer, preview } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serve } from '../examples/in-browser/serve.mjs'

const EXECUTABLE = '/usr/bin/chromium'
const root = fileURLToPath(new URL('../examples/in-browser', import.meta.url))
const missing = existsSync(EXECUTABLE) ? '' : ` (${EXECUTABLE} is not there)`

interface Result {
  readonly error?: string
  readonly backend: string
  readonly tried: { readonly name: string; readonly reason: string }[]
  readonly ancestor: number
  readonly small: number
  readonly losses: number[]
  readonly crossOriginIsolated: boolean
}

describe.skipIf(missing !== '' && !process.env.LEARNGENE_REQUIRE_BACKENDS)(`the built packages in a page${missing}`, () => {
  let browser: Browser
  let files: Server
  let bundled: PreviewServer

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: EXECUTABLE,
      args: ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--disable-background-networking'],
    })
    files = serve()
    await build({ root, logLevel: 'warn' })
    bundled = await preview({ root, preview: { port: 0, host: '127.0.0.1' } })
  })

  afterAll(async () => {
    await browser?.close()
    files?.close()
    await bundled?.close()
  })

  const run = async (address: string): Promise<Result> => {
    const page = await browser.newPage()
    await page.goto(address)
    await page.waitForFunction('window.result !== undefined', null, { timeout: 120_000 })
    const result = (await page.evaluate('window.result')) as Result
    expect(result.error).toBeUndefined()
    await page.close()
    return result
  }

  const checkResult = ({ backend, tried, ancestor, small, losses, crossOriginIsolated }: Result) => {
    expect(backend).toBe('wasm')
    expect(tried.map(({ name }) => name)).toEqual(['tensorflow-gpu', 'webgpu', 'tensorflow'])
    expect(tried[1]!.reason).toContain('its only adapter computes on the CPU')
    expect(crossOriginIsolated).toBe(true)
    expect(ancestor).toBeGreaterThan(0.8)
    expect(losses).toHaveLength(12)
    expect(losses.every(Number.isFinite)).toBe(true)
    expect(small).toBeGreaterThan(0.6)
  }

  test('run from an import map, without a bundler', async () => {
    const { port } = files.address() as AddressInfo
    checkResult(await run(`http://127.0.0.1:${port}/examples/in-browser/import-map.html?steps=12&tested=100`))
  })

  test('run bundled by Vite', async () => {
    checkResult(await run(`${bundled.resolvedUrls!.local[0]}index.html?steps=12&tested=100`))
  })
})
