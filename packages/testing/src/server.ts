import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'

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

/** A proxy on 127.0.0.1 that opens tunnels, and the hosts to which it did. */
export async function startProxy(): Promise<Omit<TestServer, 'requests'> & { readonly tunnels: string[] }> {
  const tunnels: string[] = []
  const server = createServer()
  server.on('connect', (request, socket, head) => {
    tunnels.push(request.url!)
    const [host, port] = request.url!.split(':')
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(socket).pipe(upstream)
    })
    for (const end of [socket, upstream]) end.on('error', () => undefined)
    socket.on('close', () => upstream.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  // Tunnels that are kept open must not keep the test waiting.
  const close = async () => void server.close()
  return { url: `http://127.0.0.1:${port}`, tunnels, close }
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
