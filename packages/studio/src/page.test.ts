import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strFromU8, unzipSync } from 'fflate'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodePng } from './build/png'
import { type ServedStudio, serveStudio } from './build/serve-studio'
import { pageFolder, writeStudio } from './build/write-studio'

const EXECUTABLE = '/usr/bin/chromium'
const missing = existsSync(EXECUTABLE) ? '' : ` (${EXECUTABLE} is not there)`
const quiet = [
  '--headless=new',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const fakeCamera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
const softwareGpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-dawn-features=disable_workgroup_init']

/** A grey picture of the given values. */
const picture = (value: (x: number, y: number) => number, side = 28) => ({
  name: 'picture.png',
  mimeType: 'image/png',
  buffer: Buffer.from(
    encodePng({
      data: Uint8Array.from({ length: side * side }, (_, i) => value(i % side, Math.floor(i / side))),
      height: side,
      width: side,
      channels: 1,
    }),
  ),
})

describe.skipIf(missing !== '' && !process.env.LEARNGENE_REQUIRE_BACKENDS)(`the studio in Chromium${missing}`, () => {
  let served: ServedStudio
  let browser: Browser

  beforeAll(async () => {
    if (!existsSync(join(pageFolder, 'index.html'))) throw new Error('the page is not built: npm run build in packages/studio')
    served = await serveStudio(pageFolder)
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: [...quiet, ...fakeCamera] })
  })
  afterAll(async () => {
    await browser?.close()
    await served?.close()
  })

  /** Opens the page, and fails where it asks anything of another server or throws. */
  async function open(
    run: (page: Page, context: BrowserContext) => Promise<void>,
    {
      query = '?backend=wasm',
      url = served.url,
      from = browser,
      ...options
    }: { query?: string; url?: string; from?: Browser } & Parameters<Browser['newContext']>[0] = {},
  ): Promise<void> {
    const context = await from.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options })
    const foreign: string[] = []
    const errors: string[] = []
    context.on('request', (request) => {
      if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(url)) foreign.push(request.url())
    })
    await context.addInitScript(() => {
      const state = Object.assign(window, { asked: 0, shifted: 0 })
      const { mediaDevices } = navigator
      const ask = mediaDevices?.getUserMedia.bind(mediaDevices)
      if (ask)
        mediaDevices.getUserMedia = (constraints) => {
          state.asked++
          return ask(constraints)
        }
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) state.shifted += entry.value
      }).observe({ type: 'layout-shift', buffered: true })
    })
    const page = await context.newPage()
    page.on('pageerror', (error) => errors.push(error.message))
    try {
      await page.goto(`${url}${query}`)
      await run(page, context)
      expect(foreign).toEqual([])
      expect(errors).toEqual([])
    } finally {
      await context.close()
    }
  }

  const answered = (page: Page) => page.locator('.answer ol .figures', { hasText: '%' }).first().waitFor({ timeout: 240_000 })
  const first = (page: Page) => page.locator('.answer .first').textContent()
  const pathOf = (page: Page) => page.locator('.path code').textContent()
  const loaded = (page: Page) => page.getByText('5 of 5 tiers').waitFor({ timeout: 240_000 })

  it('answers a sample, moves through the family by slider and keys, and shows the path', () =>
    open(async (page) => {
      await answered(page)
      await loaded(page)
      expect(await first(page)).toBe('T-shirt/top')
      const slider = page.getByRole('slider')
      await slider.fill('0')
      await expect.poll(() => pathOf(page)).toMatch(/^w(12|18|24)d12/)
      const [small, cheap] = [await pathOf(page), await page.locator('.readout output').first().textContent()]
      await slider.fill('1000')
      await expect.poll(() => pathOf(page)).not.toBe(small)
      expect(await page.locator('.readout output').first().textContent()).not.toBe(cheap)
      const large = await pathOf(page)
      // What a key leads to is certain by MACs alone: by milliseconds a busy machine may have measured any order.
      await page.locator('fieldset').getByText('MACs').click()
      await slider.fill('1000')
      await slider.press('ArrowLeft')
      await expect.poll(() => pathOf(page)).not.toBe(large)
      await expect.poll(() => page.locator('.readout output').first().textContent()).toMatch(/M MACs$/)
      expect(await page.locator('.blocks .block').count()).toBeGreaterThanOrEqual(12)
      await page.getByText(/^Head read after every block.*from block \d+ of \d+ on\.$/).waitFor()
      await page.getByText('The ancestor', { exact: true }).waitFor()
      expect(await slider.getAttribute('aria-valuetext')).toMatch(/MACs, \d+\.\d % right, w\d+d12\[/)
    }))

  it('measures every descendant and offers each in a table', () =>
    open(async (page) => {
      await loaded(page)
      await page.getByText('accuracy over latency on wasm', { exact: true }).waitFor({ timeout: 120_000 })
      await page.getByText('All 21 models as a table').click()
      const row = page.getByRole('row', { name: /^w24d12 0–7 → w48d12 8–11/ })
      expect(await row.textContent()).toMatch(/ ms/)
      await row.getByRole('button').click()
      await expect.poll(() => pathOf(page)).toBe('w24d12 0–7 → w48d12 8–11')
      await expect.poll(() => page.locator('.speed dd').nth(1).textContent()).toMatch(/pictures\/s$/)
      const other = page.getByRole('button', { name: 'Measure on WebGPU too' })
      await other.click({ timeout: 120_000 })
      await page.getByText(/^WebGPU does not start: /).waitFor()
    }))

  it('takes an uploaded, a dropped and a pasted picture, and tells what is none', () =>
    open(async (page) => {
      await answered(page)
      const bright = picture((x, y) => (x > 60 && x < 190 && y > 60 && y < 190 ? 30 : 250), 256)
      await page.locator('.picture input[type=file]').setInputFiles(bright)
      await page.getByText('inverted: its family knows dark backgrounds').waitFor()
      await page.getByRole('button', { name: 'Invert' }).click()
      await page.getByText('28 × 28 pixels, grey: what the network sees', { exact: true }).waitFor()
      const give = (kind: string, bytes: number[], type: string) =>
        page.evaluate(
          ([kind, bytes, type]) => {
            const data = new DataTransfer()
            data.items.add(new File([Uint8Array.from(bytes as number[])], 'given.png', { type: type as string }))
            const event =
              kind === 'paste'
                ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
                : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
            document.querySelector('.picture h2')!.dispatchEvent(event)
          },
          [kind, bytes, type] as const,
        )
      const seen = () =>
        page.locator('canvas.seen').evaluate((canvas: HTMLCanvasElement) => canvas.getContext('2d')!.getImageData(14, 14, 1, 1).data[0])
      await give('paste', [...picture((x, y) => (x > 8 && x < 20 && y > 8 && y < 20 ? 211 : 0)).buffer], 'image/png')
      await expect.poll(seen).toBeGreaterThan(150)
      await give('drop', [...picture((x, y) => (x > 8 && x < 20 && y > 8 && y < 20 ? 90 : 0)).buffer], 'image/png')
      await expect.poll(seen).toBeLessThan(130)
      await give('drop', [1, 2, 3], 'image/png')
      await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/cannot be decoded as an image/)
      await page.getByRole('button', { name: 'Dismiss' }).click()
      await give('drop', [1, 2, 3], 'text/plain')
      await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/that is no picture/)
    }))

  it('asks for the camera on a click alone, and answers its frames', () =>
    open(
      async (page) => {
        await answered(page)
        expect(await page.evaluate('window.asked')).toBe(0)
        await page.getByRole('button', { name: 'Camera' }).click()
        await page.locator('video.live').waitFor()
        expect(await page.evaluate('window.asked')).toBe(1)
        const seen = () => page.locator('canvas.seen').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL())
        const before = await seen()
        await expect.poll(seen).not.toBe(before)
        await page.getByRole('button', { name: 'Stop camera' }).click()
        await page.locator('video.live').waitFor({ state: 'hidden' })
      },
      { query: '?backend=wasm&camera' },
    ))

  it('falls back to wasm where there is no WebGPU, and says so in one line', async () => {
    for (const query of ['', '?backend=webgpu']) {
      await open(
        async (page) => {
          await answered(page)
          expect(await page.locator('.status dd').first().textContent()).toMatch(/^wasm, one thread: .*WebGPU.*$/)
        },
        { query },
      )
    }
  })

  it('works on a second visit without a network, and without its server', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'learngene-studio-'))
    await writeStudio(join(dir, 'page'))
    const own = await serveStudio(join(dir, 'page'))
    try {
      await open(
        async (page, context) => {
          await page.getByText('Kept: works offline.').waitFor({ timeout: 120_000 })
          await own.close()
          await context.setOffline(true)
          await page.reload()
          await answered(page)
          await loaded(page)
          expect(await first(page)).toBe('T-shirt/top')
        },
        { url: own.url },
      )
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  it('learns own classes, deeper too, undoes it, and gives a model home whose ONNX answers the same', () =>
    open(async (page) => {
      await answered(page)
      await loaded(page)
      await page.getByRole('slider').press('ArrowLeft')
      const kinds = [
        (i: number) => picture((x, y) => ((x + i) % 7 < 3 && y > 1 ? 200 + i : 10)),
        (i: number) => picture((x, y) => ((y + i) % 7 < 3 && x > 1 ? 220 - i : 10)),
      ]
      await page.getByLabel('Name of class 1').fill('bars')
      await page.getByLabel('Name of class 2').fill('lines')
      for (const [label, make] of kinds.entries()) {
        const inputs = page.locator('.classes input[type=file]')
        await inputs.nth(label).setInputFiles(Array.from({ length: 10 }, (_, i) => make(i)))
      }
      await page.getByText('Ready to train.').waitFor()
      await page.getByRole('button', { name: 'Train the head' }).click()
      await page.getByText('The family now tells bars, lines apart').waitFor({ timeout: 120_000 })
      expect(await page.locator('.curve .accuracy').first().textContent()).toContain('accuracy 100 %')
      await page.locator('.picture input[type=file]').setInputFiles(kinds[1]!(3))
      await expect.poll(() => first(page)).toBe('lines')
      await page.getByText('of 4 of your pictures, held back').waitFor()

      await page.getByRole('button', { name: 'Train deeper' }).click()
      await page.getByText(/^Step \d+ of 1\d\d: training blocks/).waitFor({ timeout: 120_000 })
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.getByText(/^Paused/).waitFor()
      const step = () => page.locator('.curve svg').getAttribute('aria-label')
      await page.waitForTimeout(300)
      const at = await step()
      // The page answers while it is paused.
      await page.locator('.picture input[type=file]').setInputFiles(kinds[0]!(2))
      await expect.poll(() => first(page)).toBe('bars')
      expect(await step()).toBe(at)
      await page.getByRole('button', { name: 'Resume' }).click()
      await expect.poll(step).not.toBe(at)
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.getByText('The family now tells bars, lines apart').waitFor()

      const save = async (name: string) => {
        const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name, exact: true }).click()])
        return { name: download.suggestedFilename(), bytes: new Uint8Array(await readFile((await download.path())!)) }
      }
      const onnx = await save('ONNX')
      expect(onnx.name).toMatch(/^w\d+.*\.onnx$/)
      for (const [label, make] of kinds.entries()) {
        await page.locator('.picture input[type=file]').setInputFiles(make(4))
        await expect.poll(() => first(page)).toBe(['bars', 'lines'][label])
        const difference = async () => {
          const shown = Number.parseFloat((await page.locator('.answer ol .figures').first().textContent())!)
          return Math.abs((await probabilityOf(page, onnx.bytes, label)) - shown / 100)
        }
        await expect.poll(difference).toBeLessThan(0.002)
      }
      const folder = unzipSync((await save('transformers.js')).bytes)
      const config = Object.keys(folder).find((file) => file.endsWith('/config.json'))!
      expect(JSON.parse(strFromU8(folder[config]!)).id2label).toEqual({ 0: 'bars', 1: 'lines' })
      expect((await save('safetensors')).name).toMatch(/\.safetensors$/)

      await page.getByRole('button', { name: 'Undo' }).click()
      await page.getByRole('button', { name: 'Undo' }).click()
      await page
        .getByText(/validation pictures/)
        .first()
        .waitFor()
      await page.getByRole('button', { name: 'sample: Trouser' }).first().click()
      await expect.poll(() => first(page)).toBe('Trouser')
    }))

  it('goes on after the GPU device is lost', async () => {
    const gpu = await chromium.launch({ executablePath: EXECUTABLE, args: [...quiet, ...softwareGpu] })
    try {
      await open(
        async (page) => {
          await answered(page)
          expect(await page.locator('.status dd').first().textContent()).toMatch(/^WebGPU/)
          await loaded(page)
          await page.workers()[0]!.evaluate('_tfengine.backend.device.destroy()')
          await page.getByText('started anew: the GPU was lost').waitFor({ timeout: 240_000 })
          await page.getByRole('button', { name: 'sample: Trouser' }).first().click()
          await expect.poll(() => first(page), { timeout: 240_000 }).toBe('Trouser')
        },
        { query: '?backend=webgpu', from: gpu },
      )
    } finally {
      await gpu.close()
    }
  }, 600_000)

  it.each([
    ['a phone', 360, 'light'],
    ['a phone', 360, 'dark'],
    ['a tablet', 820, 'light'],
    ['a desk', 1440, 'light'],
    ['a desk', 1440, 'dark'],
  ] as const)('%s of %d pixels, %s: nothing sticks out or jumps, and axe finds no violation', (_, width, colorScheme) =>
    open(
      async (page) => {
        await answered(page)
        await loaded(page)
        await page.getByText('accuracy over latency on wasm', { exact: true }).waitFor({ timeout: 120_000 })
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
        expect(await page.evaluate('window.shifted')).toBeLessThan(0.02)
        await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
        const { violations } = (await page.evaluate('axe.run(document)')) as {
          violations: { id: string; nodes: { html: string; failureSummary: string }[] }[]
        }
        expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`)])).toEqual([])
      },
      { viewport: { width, height: 780 }, colorScheme, reducedMotion: colorScheme === 'dark' ? 'reduce' : 'no-preference' },
    ),
  )

  /** What an exported model gives for the picture that the page shows. */
  async function probabilityOf(page: Page, model: Uint8Array, label: number): Promise<number> {
    const { InferenceSession, Tensor } = await import('onnxruntime-web')
    const grey = await page.locator('canvas.seen').evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]!)
    })
    const { preprocessing } = JSON.parse(await readFile(join(pageFolder, 'family', 'manifest.json'), 'utf8'))
    const pixels = Float32Array.from(grey, (value) => (value / 255 - preprocessing.mean[0]) / preprocessing.std[0])
    const session = await InferenceSession.create(model)
    const { logits } = await session.run({ pixel_values: new Tensor('float32', pixels, [1, 1, 28, 28]) })
    const exponentials = Array.from(logits!.data as Float32Array, Math.exp)
    return exponentials[label]! / exponentials.reduce((sum, each) => sum + each, 0)
  }
})
