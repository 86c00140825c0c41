import { existsSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { webgpuArguments } from '../../.ci/chromium.js'
import { serve } from './serve.mjs'

const EXECUTABLE = '/usr/bin/chromium'
const missing = existsSync(EXECUTABLE) ? '' : ` (${EXECUTABLE} is not there)`

describe.skipIf(missing !== '' && !process.env.LEARNGENE_REQUIRE_BACKENDS)(
  `the built packages in a page, by an import map${missing}`,
  () => {
    let browser: Browser
    let files: Server

    beforeAll(async () => {
      // With an adapter that computes on the CPU, which `auto` passes over.
      const args = ['--no-sandbox', '--disable-background-networking', ...webgpuArguments(false)]
      browser = await chromium.launch({ executablePath: EXECUTABLE, args })
      files = serve()
    })
    afterAll(async () => {
      await browser?.close()
      files?.close()
    })

    test('classify pictures, on wasm, when somebody asks for it', async () => {
      const page = await browser.newPage()
      await page.goto(`http://127.0.0.1:${(files.address() as AddressInfo).port}/examples/page-import-map/index.html`)
      expect(await page.evaluate('crossOriginIsolated')).toBe(true)
      expect(await page.locator('li').count()).toBe(0)
      await page.getByRole('button').click()
      await page.locator('li').first().waitFor({ timeout: 120_000 })
      expect(await page.locator('#backend').textContent()).toBe('on wasm')
      const answers = await page.locator('li').allTextContents()
      expect(answers).toHaveLength(12)
      expect(answers.filter((text) => /^(.*) \(it shows: \1\)$/.test(text)).length).toBeGreaterThan(8)
    })
  },
)
