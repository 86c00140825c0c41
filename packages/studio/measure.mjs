// What the studio costs a visitor: `node packages/studio/measure.mjs [MINUTES] [PAGE]`, after a build. A first visit over a slow link and with a slowed page thread; the time from
// the slider to the answer; memory and tensors while the slider moves for MINUTES (10). Prints the table of the README.
import { readFile, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright'
import { pageFolder } from './dist/index.js'

const [minutes = '10', folder = pageFolder] = process.argv.slice(2)
const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.png': 'image/png',
}
const isolated = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/** Lighthouse's slow 4G. */
const slow = { bitsPerSecond: 1.6e6, roundTrip: 150 }
const cpuSlowdown = 4

/** Serves the page gzipped over one shared link, and counts its bytes: Chromium's own throttling does not reach workers. */
function serve(link) {
  let free = 0
  const counted = { bytes: 0 }
  const server = createServer(async ({ url }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    const file = join(folder, normalize(decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname)))
    if (!(await stat(file).catch(() => undefined))?.isFile()) return response.writeHead(404).end()
    const bytes = gzipSync(await readFile(file))
    if (link) {
      const now = performance.now()
      free = Math.max(free, now + link.roundTrip) + (8000 * bytes.length) / link.bitsPerSecond
      await wait(free - now)
    }
    counted.bytes += bytes.length
    response.writeHead(200, {
      'Content-Type': types[extname(file)] ?? 'application/octet-stream',
      'Content-Encoding': 'gzip',
      'Content-Length': bytes.length,
      ...isolated,
    })
    response.end(bytes)
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({
        counted,
        url: `http://127.0.0.1:${server.address().port}/?backend=wasm`,
        close: () => server.close() && server.closeAllConnections(),
      }),
    ),
  )
}

const answered = (page) => page.locator('.answer ol .figures', { hasText: '%' }).first().waitFor({ timeout: 240_000 })
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))]

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless=new', '--no-sandbox', '--disable-background-networking', '--disable-component-update', '--enable-precise-memory-info'],
})

async function firstVisit() {
  const served = await serve(slow)
  const page = await browser.newPage()
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: cpuSlowdown })
  const start = performance.now()
  await page.goto(served.url, { waitUntil: 'commit' })
  await page.locator('h1').waitFor()
  const heading = performance.now() - start
  await answered(page)
  const figures = { heading, answer: performance.now() - start, bytes: served.counted.bytes }
  await page.close()
  served.close()
  return figures
}

/** Milliseconds from a move of the slider to the frame after the answer, less those of the forward pass itself. */
const sliding = (page, moves) =>
  page.evaluate(async (moves) => {
    const input = document.querySelector('#budget')
    const pass = document.querySelector('.speed dd')
    const path = document.querySelector('.path code')
    const beyond = []
    const total = []
    for (let i = 0; i < moves; i++) {
      const before = path.textContent
      const start = performance.now()
      // Both are text nodes that change in place.
      const changed = new Promise((resolve) => {
        const observer = new MutationObserver(() => {
          observer.disconnect()
          resolve()
        })
        observer.observe(pass, { characterData: true, subtree: true, childList: true })
      })
      input.value = String(Math.floor(((i * 0.618) % 1) * 1000))
      input.dispatchEvent(new Event('input', { bubbles: true }))
      await Promise.resolve()
      await new Promise((resolve) => setTimeout(resolve))
      if (path.textContent === before) continue
      await Promise.race([changed, new Promise((resolve) => setTimeout(resolve, 500))])
      const here = performance.now() - start
      total.push(here)
      beyond.push(here - Number.parseFloat(pass.textContent))
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
    return { beyond, total }
  }, moves)

async function whileSliding() {
  const served = await serve()
  const page = await browser.newPage()
  await page.goto(served.url)
  await answered(page)
  await page.getByText('accuracy over latency on wasm', { exact: true }).waitFor({ timeout: 240_000 })
  await page.waitForTimeout(5000)
  const { beyond, total } = await sliding(page, 120)
  const memory = async () => {
    const { bytes } = await page.evaluate('performance.measureUserAgentSpecificMemory()')
    const { numTensors } = await page.workers()[0].evaluate('_tfengine.memory()')
    return { bytes, numTensors }
  }
  const samples = [await memory()]
  const end = performance.now() + 60_000 * Number(minutes)
  let moves = 0
  while (performance.now() < end) {
    moves += (await sliding(page, 200)).total.length
    if (performance.now() > end - 60_000 * Number(minutes) + samples.length * 30_000) samples.push(await memory())
  }
  samples.push(await memory())
  await page.close()
  served.close()
  return { beyond, total, samples, moves }
}

try {
  const visit = await firstVisit()
  console.log(JSON.stringify(visit))
  const { beyond, total, samples, moves } = await whileSliding()
  console.log(JSON.stringify(samples))
  const [first, last] = [samples[0], samples.at(-1)]
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`
  const most = Math.max(...samples.map(({ bytes }) => bytes))
  const rows = [
    [
      `first answer, first visit (${slow.bitsPerSecond / 1e6} Mbit/s, ${slow.roundTrip} ms, page thread ${cpuSlowdown} x slower)`,
      `${(visit.answer / 1000).toFixed(1)} s`,
      '',
    ],
    ['bytes until then, gzipped', megabytes(visit.bytes), '1.5 MB at most'],
    ["slider to answer, beyond the network's own pass, median", `${median(beyond).toFixed(1)} ms`, '16 ms'],
    ['the same, 95 of 100', `${quantile(beyond, 0.95).toFixed(1)} ms`, ''],
    ['slider to answer in all, median', `${median(total).toFixed(1)} ms`, ''],
    [
      `memory of page and worker before and after ${minutes} minutes of sliding, ${moves} answers`,
      `${megabytes(first.bytes)}, ${megabytes(last.bytes)} (at most ${megabytes(most)})`,
      'constant',
    ],
    ['tensors before and after', `${first.numTensors}, ${last.numTensors}`, 'constant'],
  ]
  console.log(['| | measured | goal |', '| --- | ---: | ---: |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n'))
} finally {
  await browser.close()
}
