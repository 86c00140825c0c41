import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readValues } from './read-idx.js'
import { readOwnFile } from './read-own-file.js'

const labels = new URL('../data/t10k-labels-idx1-ubyte.gz', import.meta.url)
const packed = readFileSync(labels)

describe('readOwnFile', () => {
  let server: Server
  let origin: string
  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/as-gzip-encoding') response.setHeader('content-encoding', 'gzip')
      if (request.url === '/missing') response.writeHead(404, 'Not Found')
      response.end(request.url === '/missing' ? 'no such file' : packed)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  it('reads from disk', async () => {
    expect(Buffer.compare(await readOwnFile(labels), packed)).toBe(0)
  })

  it.each(['/as-it-is', '/as-gzip-encoding'])('fetches what a server sends %s', async (path) => {
    const values = await readValues(await readOwnFile(new URL(path, origin)), [2000], path)
    expect(values).toEqual(await readValues(packed, [2000], 'disk'))
  })

  it('reads a file that a bundler wrote into the code', async () => {
    const inlined = new URL(`data:application/gzip;base64,${packed.toString('base64')}`)
    expect(Buffer.compare(await readOwnFile(inlined), packed)).toBe(0)
  })

  it('names the file that a server lacks', async () => {
    await expect(readOwnFile(new URL('/missing', origin))).rejects.toThrow(/^cannot read http:.*\/missing .*404 Not Found/)
  })

  it('names the file that the disk lacks', async () => {
    await expect(readOwnFile(new URL('nothing.gz', labels))).rejects.toThrow(/^cannot read file:.*nothing\.gz .*ENOENT.*data folder/)
  })
})
