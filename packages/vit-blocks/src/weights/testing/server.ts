import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server on 127.0.0.1 and what was asked of it. */
export interface TestServer {
  readonly url: string
  /** Method, path and range of every request. */
  readonly requests: string[]
  close(): Promise<void>
}

export async function startServer(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<TestServer> {
  const requests: string[] = []
  const server: Server = createServer((request, response) => {
    requests.push([request.method, request.url, request.headers.range].filter(Boolean).join(' '))
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export interface SendOptions {
  readonly etag?: string
  /** Bytes after which the connection breaks. */
  readonly breakAfter?: number
}

/** Sends bytes, or the range of them that is asked for. */
export function sendBytes(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array, { etag, breakAfter }: SendOptions = {}) {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const start = Number(first ?? 0)
  const end = Math.min(Number(last ?? bytes.length - 1) + 1, bytes.length)
  if (etag) response.setHeader('etag', etag)
  if (start >= end) return response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
  if (first !== undefined) response.setHeader('content-range', `bytes ${start}-${end - 1}/${bytes.length}`)
  response.writeHead(first === undefined ? 200 : 206, { 'content-length': end - start })
  if (breakAfter === undefined || breakAfter >= end - start) return response.end(bytes.subarray(start, end))
  return response.write(bytes.subarray(start, start + breakAfter), () => setTimeout(() => response.destroy(), 20))
}
