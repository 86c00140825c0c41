import { stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'

export interface ServedStudio {
  readonly url: string
  /** Ends it, and all connections. */
  close(): Promise<void>
}

/** Named after what is in them, so that they never change. */
const IMMUTABLE = /[.-][\w-]{8,}\.(js|css|bin|png|wasm)$/

/** All that the page may load and ask: itself, and nothing else. */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "worker-src 'self' blob:",
  "connect-src 'self' data: blob:",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ')

/**
 * Serves a page that `writeStudio` wrote, on 127.0.0.1 and nowhere else. Cross-origin isolated, for finer clocks.
 *
 * @param options.port default 0, any free one
 * @throws where there is no page in the folder, or the port is taken
 */
export async function serveStudio(dir: string, { port = 0 }: { readonly port?: number } = {}): Promise<ServedStudio> {
  const page = await stat(join(dir, 'index.html')).catch(() => undefined)
  if (!page?.isFile())
    throw new Error(`${dir} holds no page: there is no index.html; write it with writeStudio, or learngene studio RUN --build ${dir}`)
  const app = new Hono()
  app.use('*', async (context, next) => {
    await next()
    const { pathname } = new URL(context.req.url)
    const { headers } = context.res
    headers.set('Cross-Origin-Opener-Policy', 'same-origin')
    headers.set('Cross-Origin-Embedder-Policy', 'require-corp')
    headers.set('Content-Security-Policy', POLICY)
    headers.set('X-Content-Type-Options', 'nosniff')
    headers.set('Referrer-Policy', 'no-referrer')
    headers.set('Cache-Control', IMMUTABLE.test(pathname) ? 'public, max-age=31536000, immutable' : 'no-cache')
  })
  app.use('*', serveStatic({ root: dir }))
  const server = createServer(getRequestListener(app.fetch))
  await listening(server, port)
  const { port: taken } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${taken}/`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()))
        server.closeAllConnections()
      }),
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE' || error.code === 'EACCES'
          ? new Error(
              `port ${port} must be free and allowed; it is not (${error.code}): name another with --port, or none for any free one`,
            )
          : error,
      ),
    )
    server.listen(port, '127.0.0.1', () => resolve())
  })
}
