// The README's picture: `npm start && node docs/make-picture.mjs [REPORT.html] [PICTURE.png]`. Needs Chromium (CHROMIUM names another than the usual places).
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const [report = here('../runs/quickstart/report.html'), picture = here('quickstart.png')] = process.argv.slice(2)
const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = places.find((path) => path !== undefined && existsSync(path))
const problem = !existsSync(report)
  ? `there is no ${report}: make it with 'npm start', or name another report.html`
  : executablePath === undefined
    ? "Chromium is not installed in its usual places: install it ('apt-get install chromium'), or name it with CHROMIUM=PATH"
    : undefined
if (problem !== undefined) {
  console.error(problem)
  process.exit(1)
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 }, deviceScaleFactor: 1.5, colorScheme: 'light' })
  await page.goto(pathToFileURL(report).href)
  // Paper cannot be pointed at.
  await page.addStyleTag({ content: '.picture .readout { display: none } .picture { padding: 12px }' })
  await page.locator('.picture').screenshot({ path: picture })
  console.log(`wrote ${picture}`)
} finally {
  await browser.close()
}
