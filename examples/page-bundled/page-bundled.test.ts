import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium } from 'playwright'
import { build, type PreviewServer, preview } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const EXECUTABLE = '/usr/bin/chromium'
const root = fileURLToPath(new URL('.', import.meta.url))
const missing = existsSync(EXECUTABLE) ? '' : ` (${EXECUTABLE} is not there)`

describe.skipIf(missing !== '' && !process.env.LEARNGENE_REQUIRE_BACKENDS)(`the built packages in a bundled page${missing}`, () => {
  let browser: Browser
  let bundled: PreviewServer
  let outDir: string

  beforeAll(async () => {
    outDir = await mkdtemp(join(tmpdir(), 'learngene-page-'))
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-background-networking'] })
    await build({ root, logLevel: 'error', build: { outDir } })
    bundled = await preview({ root, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } })
  })
  afterAll(async () => {
    await browser?.close()
    await bundled?.close()
    await rm(outDir, { recursive: true, force: true })
  })

  test('cut a model in a worker, when somebody asks for it', async () => {
    const page = await browser.newPage()
    await page.goto(bundled.resolvedUrls!.local[0]!)
    const lines = page.locator('pre')
    expect(await lines.textContent()).toBe('')
    await page.getByRole('button').click()
    await page.getByText('width 24').waitFor({ timeout: 120_000 })
    const text = (await lines.textContent())!
    expect(text).toMatch(/^on wasm\nancestor: .* 23\.5\d M MACs\nwidth 24: .* 1\.65 M MACs\n$/)
    for (const [, accuracy] of text.matchAll(/: (\S+) %/g)) expect(Number(accuracy)).toBeGreaterThan(80)
  })
})
