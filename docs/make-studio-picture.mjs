// The README's stills of the studio: `npm run build && node docs/make-studio-picture.mjs`. Needs Chromium (CHROMIUM names another than the usual places).
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { pageFolder, serveStudio } from '@learngene/studio'
import { chromium } from 'playwright'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = places.find((path) => path !== undefined && existsSync(path))
if (executablePath === undefined) {
  console.error("Chromium is not installed in its usual places: install it ('apt-get install chromium'), or name it with CHROMIUM=PATH")
  process.exit(1)
}
/** Few colours make small files. */
const sharp = createRequire(new URL('../packages/learngene/package.json', import.meta.url))('sharp')

/** Pixels around what is shown. */
const MARGIN = 14

const served = await serveStudio(pageFolder)
const browser = await chromium.launch({ executablePath, args: ['--headless=new', '--no-sandbox', '--disable-background-networking'] })

async function open(colorScheme) {
  const page = await browser.newPage({ viewport: { width: 1180, height: 900 }, colorScheme, reducedMotion: 'reduce' })
  await page.goto(`${served.url}?backend=wasm`)
  await page.getByText('accuracy over latency on wasm', { exact: true }).waitFor({ timeout: 240_000 })
  await page.waitForTimeout(8000)
  return page
}

async function still(page, locator, name) {
  const { x, y, width, height } = await locator.boundingBox()
  const clip = { x: x - MARGIN, y: y + (await page.evaluate('scrollY')) - MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN }
  const bytes = await sharp(await page.screenshot({ clip, fullPage: true }))
    .png({ palette: true, colours: 64 })
    .toFile(here(name))
  console.log(name, bytes.size)
  await page.waitForTimeout(100)
}

/** Takes a descendant out of the table, as a visitor may. */
async function take(page, name, sample) {
  await page
    .getByRole('button', { name: `sample: ${sample}` })
    .first()
    .click()
  await page.locator('summary').click()
  await page.getByRole('button', { name, exact: true }).click()
  await page.locator('summary').click()
  await page.mouse.move(0, 0)
  await page.waitForTimeout(800)
}

try {
  const light = await open('light')
  await take(light, 'w24d12 0–4 → w48d12 5–11', 'Ankle boot')
  await still(light, light.locator('.stage'), 'studio-light.png')
  await still(light, light.locator('.story'), 'studio-story.png')
  await light.close()
  const dark = await open('dark')
  await take(dark, 'w12d12 0–11', 'Bag')
  await still(dark, dark.locator('.stage'), 'studio-dark.png')
} finally {
  await browser.close()
  await served.close()
}
