import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, it, vi } from 'vitest'
import { type AppOptions, serveApp } from './app.js'
import { fakeEngine, shadePng } from './engine.fixture.js'
import { serveDefaults } from './server.js'

const { host: _, port: __, ...limits } = serveDefaults

function appOf(options: Partial<AppOptions> = {}, hold = false) {
  const fake = fakeEngine({ hold })
  const app = serveApp(fake.engine, { ...limits, ...options })
  const ask = async (path: string, init?: RequestInit) => {
    const response = await app.fetch(new Request(`http://here${path}`, init))
    // biome-ignore lint/suspicious/noExplicitAny: tests look into it
    return { status: response.status, headers: response.headers, body: (await response.json()) as any }
  }
  const post = (body: BodyInit, query = '', init: RequestInit = {}) => ask(`/classify${query}`, { method: 'POST', body, ...init })
  return { ...fake, app, ask, post }
}

const formOf = (...files: readonly Buffer[]): FormData => {
  const form = new FormData()
  for (const [i, file] of files.entries()) form.append(`file${i}`, new Blob([new Uint8Array(file)]), `${i}.png`)
  return form
}

describe('POST /classify', () => {
  it('takes a picture as the body and as the file of a form, and gives the classes as the command does', async () => {
    const { post } = appOf()
    const png = await shadePng(200)
    const top = [
      { class: 'bright', probability: 0.7 },
      { class: 'other', probability: 0.2 },
      { class: '200', probability: 0.1 },
    ]
    expect(await post(new Uint8Array(png))).toMatchObject({ status: 200, body: { model: 'middle', top } })
    expect(await post(formOf(png), '?top=1')).toMatchObject({ status: 200, body: { model: 'middle', top: top.slice(0, 1) } })
  })

  it('keeps pictures of the size as they are, and resizes and greys others', async () => {
    const { post, batches } = appOf()
    await post(new Uint8Array(await shadePng(100)))
    const colours = await sharp({ create: { width: 90, height: 40, channels: 4, background: { r: 90, g: 90, b: 90, alpha: 0.5 } } })
      .webp({ lossless: true })
      .toBuffer()
    await post(new Uint8Array(colours))
    const shades = batches.map(({ pictures: [picture] }) => picture!)
    expect(shades.map(({ height, width, channels }) => [height, width, channels])).toEqual(Array(2).fill([4, 4, 1]))
    expect(shades.map(({ data }) => [...new Set(data)])).toEqual([[100], [90]])
  })

  it.each([
    ['', 'middle'],
    ['?macs=2.5M', 'middle'],
    ['?macs=10M', 'large'],
    ['?params=150k', 'small'],
    ['?memory=600KB', 'small'],
    ['?latency=10ms', 'middle'],
    ['?latency=2', 'small'],
    ['?latency=10ms&macs=1M', 'small'],
  ])('answers %s with the best model within it, %s', async (query, model) => {
    const { post } = appOf()
    expect(await post(new Uint8Array(await shadePng(1)), query)).toMatchObject({ status: 200, body: { model } })
  })

  it.each([
    ['?latency=1ms', 422, 'no model keeps latency=1ms: the smallest by latency is small with 2ms'],
    [
      '?macs=1k&latency=1',
      422,
      'no model keeps macs=1k,latency=1ms: the smallest by macs is small with 1M; the smallest by latency is small with 2ms',
    ],
    ['?latency=soon', 400, "the cap of latency must be a positive number, alone or with ms: got 'soon' in budget 'latency=soon'"],
    ['?macs=1M&macs=2M', 400, "a budget caps each measure once: macs comes twice in 'macs=1M,macs=2M'; keep the smaller cap"],
    ['?budget=1', 400, 'the query may have top, latency, macs, params, parameters, memory; got budget'],
    ['?top=0', 400, 'top must be one integer of at least 1; got 0'],
    ['?top=2&top=3', 400, 'top must be one integer of at least 1; got 2 and 3'],
    ['?top=', 400, 'top must be one integer of at least 1; got '],
  ])('refuses %s with %d and the reason', async (query, status, error) => {
    const { post, batches } = appOf()
    expect(await post(new Uint8Array(await shadePng(1)), query)).toMatchObject({ status, body: { error } })
    expect(batches).toHaveLength(0)
  })

  it.each<[string, () => Promise<[BodyInit, RequestInit?]>, number, RegExp]>([
    ['nothing', async () => [new Uint8Array()], 400, /^the body must be a picture's file, or a form with one; it is empty$/],
    [
      'text',
      async () => [new Uint8Array(Buffer.from('a text'))],
      415,
      /^the file is no image that can be read \(.*\): JPEG, PNG, .* are taken$/,
    ],
    ['what says that it is text', async () => ['a text'], 415, /got text\/plain: JPEG, PNG/],
    ['JSON', async () => ['{}', { headers: { 'content-type': 'application/json; charset=utf-8' } }], 415, /got application\/json: JPEG/],
    [
      'an SVG',
      async () => [new Uint8Array(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))],
      415,
      /^pictures of kind svg are not taken: JPEG/,
    ],
    [
      'a damaged header',
      async () => [await firstBytes(0.02)],
      400,
      /^the picture cannot be taken: it is no image that can be read \([^:]*\)$/,
    ],
    ['half a picture', async () => [await firstBytes(0.5)], 400, /^the picture cannot be taken: cannot be decoded as an image \(.*\)$/],
    ['a form without a file', async () => [Object.assign(new FormData(), {})], 400, /^the form must hold one file, a picture; it holds 0/],
    [
      'a form with two',
      async () => [formOf(await shadePng(1), await shadePng(2))],
      400,
      /^the form must hold one file, a picture; it holds 2: send one request for each/,
    ],
    ['a form with an empty file', async () => [formOf(Buffer.alloc(0))], 400, /^the file of the form must be a picture; it is empty$/],
    [
      'a form that is none',
      async () => ['x', { headers: { 'content-type': 'multipart/form-data; boundary=a' } }],
      400,
      /^the form cannot be read: /,
    ],
    [
      'too many bytes, as stated',
      async () => [new Uint8Array(2001), { headers: { 'content-length': '2001' } }],
      413,
      /^the body must be of at most 2KB; got 2\.001KB: send a smaller picture$/,
    ],
    ['too many bytes, unstated', async () => [new Uint8Array(2001)], 413, /^the body must be of at most 2KB; got more/],
    [
      'too many pixels',
      async () => [new Uint8Array(await hugePng(10_000))],
      413,
      /^a picture must have at most 64 million pixels; got 10000 x 10000: make it smaller$/,
    ],
    [
      'more pixels than any decoder takes',
      async () => [new Uint8Array(await hugePng(60_000))],
      413,
      /^a picture must have at most 64 million pixels; got 60000 x 60000: make it smaller$/,
    ],
  ])('refuses %s with the reason', async (_, body, status, error) => {
    const { post, batches, ask } = appOf({ maxBytes: 2000 })
    const [sent, init] = await body()
    const found = await post(sent, '', init)
    expect(found).toMatchObject({ status, body: { error: expect.stringMatching(error), code: expect.any(String) } })
    expect(found.body.error).not.toContain('\n')
    expect(batches).toHaveLength(0)
    expect((await ask('/health')).body.requests).toMatchObject({ open: 0, refused: 1 })
  })

  it('says that something failed where the engine fails, and goes on', async () => {
    const { post, batches } = appOf({}, true)
    const png = new Uint8Array(await shadePng(1))
    const first = post(png)
    await vi.waitFor(() => expect(batches).toHaveLength(1))
    batches[0]!.end(new Error('out of\nluck'))
    expect(await first).toMatchObject({ status: 500, body: { error: 'the picture could not be classified: out of luck', code: 'failed' } })
    const second = post(png)
    await vi.waitFor(() => expect(batches).toHaveLength(2))
    batches[1]!.end()
    expect((await second).status).toBe(200)
  })
})

/** The first bytes of a picture's file. */
const firstBytes = (share: number) => {
  const noise = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251)
  return sharp(noise, { raw: { width: 60, height: 50, channels: 1 } })
    .png()
    .toBuffer()
    .then((file) => new Uint8Array(file.subarray(0, share * file.length)))
}

/** A file that says that it has side x side pixels. */
async function hugePng(side: number): Promise<Buffer> {
  const file = Buffer.from(await shadePng(0))
  file.writeUInt32BE(side, 16)
  file.writeUInt32BE(side, 20)
  file.writeUInt32BE(crc32(file.subarray(12, 29)), 29)
  return file
}

describe('under load', () => {
  it('computes what has come in batches, and refuses at once what is over the queue', async () => {
    const { post, batches, ask } = appOf({ queue: 3, batchSize: 2 }, true)
    const png = new Uint8Array(await shadePng(1))
    const taken = [post(png), post(png), post(png)]
    await vi.waitFor(async () => expect((await ask('/health')).body.requests.queued).toBe(3))
    const refused = await post(png)
    expect(refused).toMatchObject({
      status: 503,
      body: { error: '3 requests at a time are taken, and so many are under way: try again in 1 s', code: 'overloaded' },
    })
    expect(refused.headers.get('retry-after')).toBe('1')
    batches[0]!.end()
    await vi.waitFor(() => expect(batches).toHaveLength(2))
    batches[1]!.end()
    expect((await Promise.all(taken)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(batches.map(({ pictures }) => pictures.length)).toEqual([1, 2])
    expect((await ask('/health')).body.requests).toEqual({ answered: 3, refused: 1, failed: 0, open: 0, capacity: 3, queued: 0 })
  })

  it('answers 504 where a request takes too long, and gives its place back', async () => {
    const { post, batches, ask } = appOf({ queue: 1, timeout: 300 }, true)
    const png = new Uint8Array(await shadePng(1))
    expect(await post(png)).toMatchObject({
      status: 504,
      body: { error: expect.stringMatching(/^an answer must be ready within 300 ms/), code: 'too-slow' },
    })
    expect((await ask('/health')).body.requests).toMatchObject({ open: 0, refused: 1 })
    batches[0]!.end()
    const next = post(png)
    await vi.waitFor(() => expect(batches).toHaveLength(2))
    batches[1]!.end()
    expect((await next).status).toBe(200)
  })

  it('answers 408 where the body does not come', async () => {
    const { post, ask } = appOf({ timeout: 50 })
    let ended = false
    const body = new ReadableStream({
      cancel() {
        ended = true
      },
    })
    const found = await post(body, '', { duplex: 'half' } as RequestInit)
    expect(found).toMatchObject({ status: 408, body: { error: 'the body must come within 50 ms; it did not: send a smaller picture' } })
    expect(found.headers.get('connection')).toBe('close')
    expect(ended).toBe(true)
    expect((await ask('/health')).body.requests.open).toBe(0)
  })

  it('lets go of a client that has gone', async () => {
    const { post, batches, ask } = appOf({ batchSize: 1 }, true)
    const gone = new AbortController()
    const png = new Uint8Array(await shadePng(1))
    const first = post(png)
    await vi.waitFor(() => expect(batches).toHaveLength(1))
    const answers = [first, post(png, '', { signal: gone.signal })]
    await vi.waitFor(async () => expect((await ask('/health')).body.requests.queued).toBe(2))
    gone.abort()
    await vi.waitFor(async () => expect((await ask('/health')).body.requests.open).toBe(1))
    batches[0]!.end()
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 408])
    expect(batches).toHaveLength(1)
  })
})

it('refuses what comes while it shuts down, and answers what was taken', async () => {
  const { app, post, batches, ask } = appOf({}, true)
  const png = new Uint8Array(await shadePng(1))
  const taken = post(png)
  await vi.waitFor(() => expect(batches).toHaveLength(1))
  let isDrained = false
  const drained = app.drain().then(() => {
    isDrained = true
  })
  const refused = await post(png)
  expect(refused).toMatchObject({ status: 503, body: { error: 'the server is shutting down: send the request to another' } })
  expect(refused.headers.get('connection')).toBe('close')
  expect(await ask('/health')).toMatchObject({ status: 503, body: { status: 'shutting-down' } })
  expect(isDrained).toBe(false)
  batches[0]!.end()
  expect((await taken).status).toBe(200)
  await drained
})

it('says that nothing can be computed when the engine has ended', async () => {
  const { fail, post, ask } = appOf()
  fail(new Error('the thread has ended'))
  await Promise.resolve()
  expect(await post(new Uint8Array(await shadePng(1)))).toMatchObject({
    status: 503,
    body: { error: 'nothing can be computed: the thread has ended; start the server again' },
  })
  expect(await ask('/health')).toMatchObject({ status: 503, body: { status: 'failed' } })
})

it('lists its models, and says what there is instead of what is not', async () => {
  const { ask } = appOf()
  const { status, body } = await ask('/models')
  expect(status).toBe(200)
  expect(body).toMatchObject({ model: 'fake', backend: 'none', chosen: 'middle', classes: ['dark', 'bright', 'other'] })
  expect(body.models[2]).toEqual({
    model: 'small',
    macs: 1e6,
    latency: 2,
    parameters: 1e5,
    memory: 5e5,
    validationAccuracy: 0.9,
    testAccuracy: 0.8,
  })
  expect(await ask('/health')).toMatchObject({ status: 200, body: { status: 'ok', model: 'fake' } })
  expect(await ask('/nothing')).toMatchObject({
    status: 404,
    body: { error: 'there is no /nothing; there are POST /classify, GET /models, GET /health' },
  })
  const wrong = await ask('/classify')
  expect(wrong).toMatchObject({ status: 405, body: { error: '/classify takes POST; got GET', code: 'wrong-method' } })
  expect(wrong.headers.get('allow')).toBe('POST')
})
