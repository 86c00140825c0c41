import type { ReportEvent } from '@learngene/interfaces'
import { sendBytes, startServer, type TestServer } from '@learngene/testing/server'
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { urlSource } from './url-source.js'

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 37) % 251)
const fast = { retryDelay: 1, retries: 2 }
let server: TestServer
afterEach(() => server.close())

it('reads any range, in requests of a chunk at least, read ahead', async () => {
  server = await startServer((request, response) => sendBytes(request, response, bytes, { etag: '"1"' }))
  const events: ReportEvent[] = []
  const source = (await urlSource(`${server.url}/folder/x.bin?y=1`, { chunkBytes: 100, report: (event) => events.push(event) }))!
  expect(source.byteLength).toBe(1000)
  for (const [start, end] of [
    [0, 8],
    [8, 100],
    [90, 110],
    [110, 190],
    [300, 700],
    [690, 1000],
    [500, 500],
  ] as const) {
    expect(await source.slice(start, end)).toEqual(bytes.subarray(start, end))
  }
  const ranges = server.requests.map((request) => request.split(' ')[2])
  expect(ranges).toEqual(['bytes=0-99', 'bytes=90-189', 'bytes=300-699', 'bytes=690-999', 'bytes=500-599'])
  expect(events[0]).toEqual({ kind: 'stage', name: 'fetch x.bin', total: 1000 })
  expect(events.at(-1)).toMatchObject({ kind: 'progress', done: 1000 })
})

it('gives the bytes of the file for every range and chunk', async () => {
  server = await startServer((request, response) => sendBytes(request, response, bytes))
  const range = fc.tuple(fc.nat(1000), fc.nat(1000)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1200 }), fc.array(range, { maxLength: 6 }), async (chunkBytes, ranges) => {
      const source = (await urlSource(server.url, { chunkBytes }))!
      for (const [start, end] of ranges) expect(await source.slice(start, end)).toEqual(bytes.subarray(start, end))
    }),
    { numRuns: 30, seed: 1 },
  )
})

it('reads a file as a whole from a server without ranges, and an empty one', async () => {
  server = await startServer((request, response) => response.end(request.url === '/empty' ? '' : bytes))
  const source = (await urlSource(server.url, { chunkBytes: 10 }))!
  expect([source.byteLength, await source.slice(700, 900)]).toEqual([1000, bytes.subarray(700, 900)])
  expect(server.requests).toHaveLength(1)
  expect((await urlSource(`${server.url}/empty`))!.byteLength).toBe(0)
  await server.close()
  server = await startServer((request, response) => sendBytes(request, response, new Uint8Array(0)))
  expect((await urlSource(server.url))!.byteLength).toBe(0)
})

it('tries again when the connection breaks or the server is busy', async () => {
  let turn = 0
  server = await startServer((request, response) => {
    turn++
    if (turn === 1) sendBytes(request, response, bytes, { breakAfter: 50 })
    else if (turn === 2) response.writeHead(503).end()
    else sendBytes(request, response, bytes)
  })
  const source = (await urlSource(server.url, fast))!
  expect(await source.slice(0, 1000)).toEqual(bytes)
  expect(turn).toBe(3)
})

it('sends headers with every request', async () => {
  const seen: unknown[] = []
  server = await startServer((request, response) => {
    seen.push(request.headers.authorization)
    sendBytes(request, response, bytes)
  })
  const source = (await urlSource(server.url, { headers: { Authorization: 'Bearer x' }, chunkBytes: 10 }))!
  await source.slice(500, 600)
  expect(seen).toEqual(['Bearer x', 'Bearer x'])
})

it.each([404, 410])('finds no file at %d', async (status) => {
  server = await startServer((_, response) => response.writeHead(status).end())
  expect(await urlSource(server.url)).toBeUndefined()
})

it('says in one line why it cannot be read', async () => {
  server = await startServer((request, response) => response.writeHead(request.url === '/busy' ? 500 : 403).end())
  await expect(urlSource(`${server.url}/x`)).rejects.toThrow(`${server.url}/x: cannot be read: the server answers 403 Forbidden`)
  expect(server.requests).toHaveLength(1)
  await expect(urlSource(`${server.url}/busy`, fast)).rejects.toThrow(
    `${server.url}/busy: cannot be read: the server answers 500 Internal Server Error`,
  )
  expect(server.requests).toHaveLength(4)
  const { url } = server
  await server.close()
  await expect(urlSource(url, fast)).rejects.toThrow(`${url}: cannot be read: fetch failed: ECONNREFUSED`)
})

it('refuses a file that changes while it is read', async () => {
  let etag = '"1"'
  server = await startServer((request, response) => sendBytes(request, response, bytes, { etag }))
  const source = (await urlSource(server.url, { chunkBytes: 10 }))!
  etag = '"2"'
  await expect(source.slice(100, 200)).rejects.toThrow('the file must stay as it is while it is read, but it was changed; open it again')
})

it('stops when it is aborted', async () => {
  const abort = new AbortController()
  server = await startServer(() => abort.abort(new Error('enough')))
  await expect(urlSource(server.url, { signal: abort.signal })).rejects.toThrow('enough')
})
