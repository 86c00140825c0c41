import { rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { decodeImage } from '@learngene/datasets/node'
import type { RunReport } from '@learngene/recipe/reports'
import { bundle } from '@learngene/testing/bundle'
import { memory } from '@tensorflow/tfjs-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadModelAt } from '../commands/load-model.js'
import { run } from '../io.fixture.js'
import { classify } from '../predict/classify.js'
import { sampleReport } from '../report/sample.fixture.js'
import { temporaryDirectory, writeModel, writeRun } from '../run.fixture.js'
import { ask, health, until } from './client.fixture.js'
import { shadePng } from './engine.fixture.js'
import { serve } from './server.js'
import { openThreadEngine } from './thread-engine.js'

const never = new AbortController().signal
let root: string
let model: string
let dir: string
beforeAll(async () => {
  root = await temporaryDirectory()
  model = join(root, 'model.safetensors')
  await writeModel(model)
  dir = join(root, 'run')
  await writeRun(dir, reportOfPool())
})
afterAll(() => rm(root, { recursive: true }))

/** A report of three descendants of the pool that `writeRun` makes; the first is chosen. */
function reportOfPool(): RunReport {
  const report = sampleReport()
  const rows = [
    ['l[0-1]', 3000, 0.9, false],
    ['s[0-0]>l[1-1]', 2000, 0.8, true],
    ['s[0-1]', 1000, 0.7, true],
  ] as const
  const descendants = rows.map(([path, macs, validationAccuracy, pareto], id) => ({
    ...report.descendants[0]!,
    ...{ id, path, macs, validationAccuracy, pareto },
  }))
  return { ...report, descendants, choice: { ...report.choice, path: 'l[0-1]' } }
}

describe('serve', () => {
  it('answers what classify answers, for many at once, on kept connections, and frees everything', async () => {
    const before = memory().numTensors
    const serving = await serve(model, { port: 0, backend: 'wasm', batchSize: 4 })
    expect(serving.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(serving.facts.models).toEqual([expect.objectContaining({ name: model, latency: expect.any(Number), validationAccuracy: null })])
    const pictures = await Promise.all([10, 200, 90, 160].map((shade, i) => shadePng(shade, 20 + 4 * i)))
    const loaded = await loadModelAt(model, {})
    const expected = await classify(loaded, await Promise.all(pictures.map((png) => decodeImage(png))), { batchSize: 1 })
    const agent = new Agent({ keepAlive: true, maxSockets: 3 })
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => ask(serving.url, pictures[i % 4]!, agent)))
    for (const [i, { status, body }] of answers.entries()) {
      expect(status).toBe(200)
      const top = body.top as { class: string; probability: number }[]
      expect(top.map((each) => each.class)).toEqual(expected[i % 4]!.map((each) => each.class))
      for (const [k, { probability }] of top.entries()) expect(probability).toBeCloseTo(expected[i % 4]![k]!.probability, 5)
    }
    agent.destroy()
    await serving.close()
    await expect(ask(serving.url, pictures[0]!)).rejects.toThrow('ECONNREFUSED')
    for (const parameter of Object.values({ ...loaded.network.embedding.parameters, ...loaded.network.head.parameters }))
      parameter.dispose()
    for (const block of loaded.network.blocks) for (const parameter of Object.values(block.parameters)) parameter.dispose()
    expect(memory().numTensors).toBe(before)
  })

  it('has every descendant of a run at hand, with weights that are there once', async () => {
    const serving = await serve(dir, { port: 0, backend: 'wasm' })
    try {
      const png = await shadePng(90, 28)
      const tensors = memory().numTensors
      const byQuery = async (query: string) => {
        const response = await fetch(`${serving.url}/classify${query}`, { method: 'POST', body: new Uint8Array(png) })
        return { status: response.status, ...((await response.json()) as { model?: string; error?: string }) }
      }
      expect(await byQuery('')).toMatchObject({ status: 200, model: 'l[0-1]' })
      expect(await byQuery('?macs=2500')).toMatchObject({ status: 200, model: 's[0-0]>l[1-1]' })
      expect(await byQuery('?macs=1k&latency=10s')).toMatchObject({ status: 400 })
      expect(await byQuery('?macs=1k&latency=100000ms')).toMatchObject({ status: 200, model: 's[0-1]' })
      expect(memory().numTensors).toBe(tensors)
      const { models } = (await (await fetch(`${serving.url}/models`)).json()) as { models: { latency: number }[] }
      expect(models.map(({ latency }) => latency > 0)).toEqual([true, true, true])
    } finally {
      await serving.close()
    }
  })

  it('takes an interrupted body for a client that has gone, and goes on', async () => {
    const serving = await serve(model, { port: 0, backend: 'wasm' })
    try {
      const { hostname, port } = new URL(serving.url)
      const socket = connect(Number(port), hostname)
      socket.write('POST /classify HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\nhalf')
      await until(async () => (await health(serving)).requests.open === 1)
      socket.destroy()
      await until(async () => (await health(serving)).requests.open === 0)
      expect((await ask(serving.url, await shadePng(1))).status).toBe(200)
    } finally {
      await serving.close()
    }
  })

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['no text', () => serve(1 as never), /^serve: model must be a text: a file, a folder or hf:owner\/name; got 1$/],
    ['an option that there is not', () => serve(model, { prot: 1 } as never), /^serve: there is no option 'prot'/],
    ['an empty queue', () => serve(model, { queue: 0 }), /^serve: queue must be a positive integer; got 0$/],
    ['no model', () => serve(join(root, 'none'), { backend: 'wasm' }), /none/],
    [
      'no address of this machine',
      () => serve(model, { backend: 'wasm', host: '203.0.113.1', port: 0 }),
      /^203\.0\.113\.1 is no address of this machine: name one with --host/,
    ],
    ['an abortion', () => serve(model, { backend: 'wasm', port: 0, signal: AbortSignal.abort(new Error('stop')) }), /^stop$/],
  ])('refuses %s in one line', async (_, start, message) => {
    const before = memory().numTensors
    await expect(start()).rejects.toThrow(message)
    expect(memory().numTensors).toBe(before)
  })

  it('says which port is in use', async () => {
    const serving = await serve(model, { port: 0, backend: 'wasm' })
    const { port } = new URL(serving.url)
    await expect(serve(model, { port: Number(port), backend: 'wasm' })).rejects.toThrow(
      `port ${port} of 127.0.0.1 is in use: name another with --port, or 0 for any that is free`,
    )
    await serving.close()
  })

  it('says what a run lacks', async () => {
    const other = join(root, 'other')
    const report = reportOfPool()
    await writeRun(other, { ...report, descendants: [...report.descendants, { ...report.descendants[0]!, id: 3, path: 'x[0-1]' }] })
    await expect(serve(other, { backend: 'wasm', port: 0 })).rejects.toThrow(
      `${other}: its pool must have every path of its report; it has no x[0-1]: one of the two was changed or damaged`,
    )
    await writeFile(join(other, 'report.json'), '{')
    await expect(serve(other, { backend: 'wasm', port: 0 })).rejects.toThrow('report.json is not JSON')
  })
})

describe('an engine in a thread', () => {
  let built: URL
  beforeAll(async () => {
    built = await bundle(import.meta.url, ['engine-thread'])
  })
  afterAll(() => rm(built, { recursive: true }))
  const open = (address: string, signal = never) =>
    openThreadEngine({ model: address, backend: 'wasm', batchSize: 2 }, () => {}, signal, new URL('engine-thread.js', built))

  it('gives what the engine gives on this thread', async () => {
    const [here, there] = [await openThreadEngine({ model, backend: 'wasm', batchSize: 2 }, () => {}, never), await open(model)]
    const picture = { data: Uint8Array.from({ length: 28 * 28 }, (_, i) => i % 256), height: 28, width: 28, channels: 1 }
    const pictures = () => [{ ...picture, data: picture.data.slice() }, picture]
    const [expected, found] = [await here.classify(0, pictures(), 3), await there.classify(0, pictures(), 3)]
    expect(found).toEqual(expected)
    expect({ ...there, models: [] }).toMatchObject({ classNames: here.classNames, backend: 'wasm' })
    await Promise.all([here.close(), there.close()])
  })

  it('hands on what goes wrong', async () => {
    await expect(open(join(root, 'none'))).rejects.toThrow('none')
    const engine = await open(model)
    await expect(engine.classify(7, [], 1)).rejects.toThrow(Error)
    await engine.close()
  })

  it('ends when its signal aborts', async () => {
    const control = new AbortController()
    const opened = open(model, control.signal)
    control.abort(new Error('stop'))
    await expect(opened).rejects.toThrow('stop')
  })

  it('says when the thread ends, and fails what waits', async () => {
    const script = join(root, 'dying.mjs')
    const facts = { models: [], chosen: 0 }
    await writeFile(
      script,
      `import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => process.exit(3))
      parentPort.postMessage({ kind: 'ready', facts: ${JSON.stringify(facts)} })`,
    )
    const engine = await openThreadEngine({ model, backend: 'wasm', batchSize: 1 }, () => {}, never, new URL(`file://${script}`))
    await expect(engine.classify(0, [], 1)).rejects.toThrow('the thread that computes has ended with exit code 3')
    expect((await engine.failed).message).toBe('the thread that computes has ended with exit code 3')
  })
})

it('prints where it listens, its model and what to ask', async () => {
  const control = new AbortController()
  const write = (text: string) => {
    if (text.includes('next: ')) control.abort(new Error('interrupted'))
  }
  const { code, stdout, stderr } = await run(['serve', model, '--port', '0', '--backend', 'wasm'], {
    signal: control.signal,
    stdout: { write },
  })
  expect(stderr).toContain('shutting down: answering what was taken\n')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^serving .*model\.safetensors on wasm at http:\/\/127\.0\.0\.1:\d+\n/)
  expect(stdout).toMatch(
    /\n> {2}.*model\.safetensors .* ms\n\nnext: curl --data-binary @PICTURE\.jpg http:\/\/127\.0\.0\.1:\d+\/classify\n$/,
  )
})

it.each([
  [['serve'], "missing required argument 'model'"],
  [['serve', 'x', '--port', '70000'], 'It must be an integer from 0 to 65535.'],
  [['serve', 'x', '--queue', '0'], 'It must be an integer of at least 1.'],
  [['serve', 'x', '--timeout', '1s'], 'It must be an integer from 1 to'],
])('answers %j with exit code 2 and one line', async (argv, message) => {
  const { code, stdout, stderr } = await run(argv)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
  expect(stderr).toMatch(/^learngene: [^\n]+\n$/)
})
