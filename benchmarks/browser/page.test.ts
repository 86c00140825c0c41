import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Benchmark } from '@learngene/bench'
import { chromium } from 'playwright'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { webgpuArguments } from '../../.ci/chromium'

const executablePath = inject('chromium') ?? undefined
const skipped = executablePath === undefined && !inject('required').includes('chromium')

const tiny = { imageSize: 8, patchSize: 4, channels: 1, width: 16, depth: 3, heads: 2, classes: 4 }

describe.skipIf(skipped)(`the browser page${skipped ? ' (there is no Chromium)' : ''}`, () => {
  let server: ViteDevServer
  let browser: Awaited<ReturnType<typeof chromium.launch>>
  beforeAll(async () => {
    const configFile = fileURLToPath(new URL('./vite.config.ts', import.meta.url))
    server = await createServer({ configFile, server: { host: '127.0.0.1', port: 0 }, logLevel: 'error' })
    await server.listen()
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', ...webgpuArguments(false)] })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  it('times webgpu and wasm beside stock TensorFlow.js, and gives the results as JSON', async () => {
    const page = await browser.newPage()
    const faults: string[] = []
    page.on('pageerror', ({ message }) => faults.push(message))
    await page.goto(server.resolvedUrls!.local[0]!)
    await page.fill('[name=model]', JSON.stringify(tiny))
    await page.fill('[name=batch]', '4')
    await page.fill('[name=steps]', '3')
    await page.click('#run')
    await page.waitForFunction(() => document.querySelector('#status')?.textContent === 'done', undefined, { timeout: 200_000 })
    if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true })

    const downloading = page.waitForEvent('download')
    await page.click('#download')
    const { machine, results } = JSON.parse(await readFile(await (await downloading).path(), 'utf8')) as Benchmark
    expect(machine.engine).toContain('Chrome')
    expect(results.map(({ backend, what }) => `${backend} ${what}`)).toEqual([
      'webgpu forward',
      'webgpu train',
      'wasm forward',
      'wasm train',
    ])
    for (const { backend, error, msMedian, steps, speedup, dispatches, peakMemoryBytes, memoryOf } of results) {
      expect(error).toBeNull()
      expect(steps).toBe(3)
      expect(msMedian).toBeGreaterThan(0)
      expect(speedup).toBeGreaterThan(0)
      expect(peakMemoryBytes).toBeGreaterThan(0)
      expect(memoryOf).toBe(backend === 'webgpu' ? 'gpu' : 'wasm')
      expect(dispatches === null).toBe(backend === 'wasm')
    }
    expect(results[1]!.dispatches).toBeGreaterThan(results[0]!.dispatches!)
    expect(faults).toEqual([])
  })

  it('says what is wrong with a configuration', async () => {
    const page = await browser.newPage()
    await page.goto(server.resolvedUrls!.local[0]!)
    await page.fill('[name=model]', '{"imageSize":28}')
    await page.click('#run')
    await page.waitForFunction(() => document.querySelector('#status')?.textContent !== '')
    expect(await page.textContent('#status')).toMatch(/lacks patchSize/)
  })
})
