// What `learngene serve` does under load: many clients at once on kept connections, each asking again as soon as it is answered, then more clients than the queue takes.
//
//   npm run build && node benchmarks/serve.mjs [--model runs/quickstart] [--clients 50] [--seconds 60] [--queue 64] [--overload 200] [--overload-seconds 15] [--json]
//
// Every answer is compared with that of `learngene classify` for the same picture. Exit code 1 where one is lost, wrong, or not what it should be.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { loadTest } from '@learngene/fashion-mnist'
import sharp from 'sharp'

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'embedded' },
    backend: { type: 'string', default: 'wasm' },
    clients: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '60' },
    queue: { type: 'string', default: '64' },
    overload: { type: 'string', default: '200' },
    'overload-seconds': { type: 'string', default: '15' },
    json: { type: 'boolean', default: false },
  },
})
const PICTURES = 100
/** Probabilities of batches of different sizes differ by roundings. */
const TOLERANCE = 1e-4
const bin = new URL('../packages/learngene/bin/learngene.js', import.meta.url).pathname

const dir = await mkdtemp(join(tmpdir(), 'learngene-serve-'))
const pictures = await writePictures()
const expected = await classified()
const server = await startServer()
const memory = []
const sampler = setInterval(async () => {
  const at = performance.now()
  const { memory: bytes } = await health().catch(() => ({}))
  if (bytes) memory.push({ at, bytes })
}, 1000)
const under = await load(Number(values.clients), Number(values.seconds))
const kept = memory.splice(0)
const over = await load(Number(values.overload), Number(values['overload-seconds']))
clearInterval(sampler)
const totals = (await health()).requests
const { code, seconds: shutdown } = await stop()
await rm(dir, { recursive: true })

const result = {
  machine: { cpu: cpus()[0].model, cores: cpus().length, node: process.version },
  model: values.model,
  backend: values.backend,
  queue: Number(values.queue),
  under,
  memory: memoryOf(kept),
  over,
  totals,
  shutdown: { code, seconds: shutdown },
}
if (values.json) console.log(JSON.stringify(result, null, 2))
else console.log(textOf(result))
const isFine = [under, over].every(({ lost, wrong, strange }) => lost + wrong + strange === 0) && code === 0
process.exitCode = isFine ? 0 : 1

async function writePictures() {
  const test = await loadTest()
  return Promise.all(
    Array.from({ length: PICTURES }, async (_, i) => {
      const { data, height, width, channels } = await test.picture(i)
      const file = join(dir, `${String(i).padStart(3, '0')}.png`)
      await sharp(data, { raw: { height, width, channels } }).png().toFile(file)
      return { file, bytes: await sharp(file).png().toBuffer() }
    }),
  )
}

/** By the command, one process for all pictures. */
async function classified() {
  const args = [bin, 'classify', values.model, dir, '--json', '--quiet', '--backend', values.backend]
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 })
  return JSON.parse(stdout).predictions.map(({ top }) => top)
}

async function startServer() {
  const args = [bin, 'serve', values.model, '--port', '0', '--queue', values.queue, '--backend', values.backend, '--json', '--quiet']
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.on('close', resolve))
  let text = ''
  for await (const part of child.stdout) {
    text += part
    try {
      return { child, ended, url: JSON.parse(text).url }
    } catch {}
  }
  throw new Error('the server did not start')
}

async function stop() {
  const start = performance.now()
  server.child.kill('SIGTERM')
  const code = await server.ended
  return { code, seconds: (performance.now() - start) / 1000 }
}

async function health() {
  return (await fetch(`${server.url}/health`)).json()
}

/** Clients that ask one after the other until the time is over; a refused one waits as little as the refusal took, so that the server stays full. */
async function load(clients, seconds) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const until = performance.now() + 1000 * seconds
  const counts = { sent: 0, answered: 0, refused: 0, lost: 0, wrong: 0, strange: 0 }
  const times = { answered: [], refused: [] }
  const faults = new Set()
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let i = client; performance.now() < until; i += clients + 1) {
        const start = performance.now()
        counts.sent++
        let answer
        try {
          answer = await post(pictures[i % PICTURES].bytes, agent)
        } catch (error) {
          counts.lost++
          faults.add(error.message)
          continue
        }
        const time = performance.now() - start
        if (answer.status === 200) {
          counts.answered++
          times.answered.push(time)
          if (!isRight(answer.body.top, expected[i % PICTURES])) counts.wrong++
        } else if (answer.status === 503 && answer.body.code === 'overloaded' && Number(answer.retry) >= 1) {
          counts.refused++
          times.refused.push(time)
          await new Promise((resolve) => setTimeout(resolve, 20))
        } else {
          counts.strange++
          faults.add(`${answer.status} ${JSON.stringify(answer.body)}`)
        }
      }
    }),
  )
  agent.destroy()
  return {
    clients,
    seconds,
    ...counts,
    perSecond: counts.answered / seconds,
    milliseconds: { answered: quantiles(times.answered), refused: quantiles(times.refused) },
    faults: [...faults].slice(0, 5),
  }
}

function post(bytes, agent) {
  return new Promise((resolve, reject) => {
    const sent = request(`${server.url}/classify`, { method: 'POST', agent, timeout: 60_000 }, (response) => {
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const body = JSON.parse(Buffer.concat(parts).toString())
        resolve({ status: response.statusCode, retry: response.headers['retry-after'], body })
      })
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer within 60 s')))
    sent.on('error', reject)
    sent.end(bytes)
  })
}

function isRight(top, wanted) {
  return (
    top.length === wanted.length &&
    top[0].class === wanted[0].class &&
    top.every((each, i) => Math.abs(each.probability - wanted[i].probability) < TOLERANCE)
  )
}

function quantiles(times) {
  if (times.length === 0) return null
  const ascending = times.toSorted((a, b) => a - b)
  const at = (share) => ascending[Math.min(ascending.length - 1, Math.floor(share * ascending.length))]
  return { median: at(0.5), p99: at(0.99), most: at(1) }
}

/** Resident bytes of the server in the second and in the last third of the time, and by how much they grow. */
function memoryOf(samples) {
  const third = Math.floor(samples.length / 3)
  const mean = (part) => part.reduce((total, { bytes }) => total + bytes, 0) / part.length
  const [middle, last] = [mean(samples.slice(third, 2 * third)), mean(samples.slice(2 * third))]
  return { samples: samples.length, middle, last, growth: last / middle - 1, most: Math.max(...samples.map(({ bytes }) => bytes)) }
}

function textOf({ machine, under, over, memory, shutdown, queue }) {
  const ms = (times) =>
    times ? `median ${times.median.toFixed(1)} ms, 99 % within ${times.p99.toFixed(1)} ms, longest ${times.most.toFixed(1)} ms` : 'none'
  const mb = (bytes) => `${(bytes / 1e6).toFixed(0)} MB`
  const part = ({ clients, seconds, sent, answered, refused, lost, wrong, strange, perSecond, milliseconds, faults }) => [
    `${clients} clients at once for ${seconds} s, queue ${queue}: ${sent} requests`,
    `  answered ${answered} (${perSecond.toFixed(0)} a second): ${ms(milliseconds.answered)}`,
    `  refused  ${refused} with 503 and Retry-After: ${ms(milliseconds.refused)}`,
    `  lost ${lost}, wrong ${wrong}, anything else ${strange}${faults.length > 0 ? `: ${faults.join('; ')}` : ''}`,
  ]
  return [
    `${values.model} on ${values.backend}, ${machine.cores} cores of ${machine.cpu}, Node ${machine.node}`,
    ...part(under),
    `  memory ${mb(memory.middle)} in the second third, ${mb(memory.last)} in the last (${(100 * memory.growth).toFixed(1)} %), at most ${mb(memory.most)}`,
    ...part(over),
    `SIGTERM: exit code ${shutdown.code} after ${shutdown.seconds.toFixed(1)} s`,
  ].join('\n')
}
