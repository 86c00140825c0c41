import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { BackendName } from '@learngene/backends'
import type { Reporter } from '@learngene/interfaces'
import { describe, requireKeys } from '@learngene/vit-blocks'
import { type AppOptions, type ServeApp, serveApp } from './app.js'
import type { Engine, EngineFacts } from './engine.js'
import { openThreadEngine } from './thread-engine.js'

export interface ServeOptions extends Partial<AppOptions> {
  /** Default 127.0.0.1: nobody but this machine. */
  readonly host?: string
  /** Default 8080; 0 for any that is free. */
  readonly port?: number
  readonly backend?: BackendName | 'auto'
  /** Told of loading and warming up. */
  readonly report?: Reporter
  /** Ends loading and warming up; a server that listens is closed by `close`. */
  readonly signal?: AbortSignal
}

/** A server that listens. */
export interface Serving {
  /** Such as http://127.0.0.1:8080. */
  readonly url: string
  /** The models, with their costs and times. */
  readonly facts: EngineFacts
  /** Resolves with the reason when nothing can be computed any longer; requests are refused then. */
  readonly failed: Promise<Error>
  /** Takes no further requests, answers those that were taken, and frees everything. */
  close(): Promise<void>
}

export const serveDefaults = { host: '127.0.0.1', port: 8080, queue: 64, batchSize: 16, maxBytes: 10e6, timeout: 10_000 } as const

/** Longer than clients and proxies keep a connection, so that none sends into one that is just being closed. */
const KEEP_ALIVE = 75_000

/** How often connections that have become idle are closed while the server shuts down. */
const SWEEP = 50

const OPTIONS = [
  'host',
  'port',
  'backend',
  'report',
  'signal',
  'queue',
  'batchSize',
  'maxBytes',
  'timeout',
] as const satisfies readonly (keyof ServeOptions)[]

/**
 * Serves a model, or the family of a finished run, by HTTP: POST /classify, GET /models, GET /health. The models compute on a thread of their own.
 *
 * @param model a file, a folder, `hf:owner/name`, `embedded`, or the folder of a run
 * @throws when the model cannot be loaded, has no classifier or does not say how its images are prepared, or the address cannot be listened to
 */
export async function serve(model: string, options: ServeOptions = {}): Promise<Serving> {
  if (typeof model !== 'string') throw new Error(`serve: model must be a text: a file, a folder or hf:owner/name; got ${describe(model)}`)
  requireKeys('serve', options, OPTIONS)
  const { report = () => {}, signal = new AbortController().signal, backend = 'auto', ...given } = options
  const { host, port, ...limits } = { ...serveDefaults, ...given }
  for (const [name, value] of Object.entries(limits))
    if (!Number.isInteger(value) || value < 1) throw new Error(`serve: ${name} must be a positive integer; got ${describe(value)}`)
  const engine = await openThreadEngine({ model, backend, batchSize: limits.batchSize }, report, signal)
  const app = serveApp(engine, limits)
  try {
    signal.throwIfAborted()
    const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server
    server.keepAliveTimeout = KEEP_ALIVE
    server.headersTimeout = KEEP_ALIVE + 1000
    await listen(server, host, port)
    const { address, family, port: taken } = server.address() as AddressInfo
    const name = family === 'IPv6' ? `[${address}]` : address
    return { url: `http://${name}:${taken}`, facts: factsOf(engine), failed: engine.failed, close: () => close(server, app, engine) }
  } catch (error) {
    await engine.close()
    throw error
  }
}

function factsOf({ address, backend, models, chosen, classNames, preprocessing }: Engine): EngineFacts {
  return { address, backend, models, chosen, classNames, preprocessing }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reasons: { readonly [code: string]: string } = {
        EADDRINUSE: `port ${port} of ${host} is in use: name another with --port, or 0 for any that is free`,
        EACCES: `port ${port} of ${host} may not be listened to: name one above 1023 with --port`,
        EADDRNOTAVAIL: `${host} is no address of this machine: name one with --host, such as 127.0.0.1`,
        ENOTFOUND: `there is no host ${host}: name one with --host, such as 127.0.0.1`,
      }
      reject(new Error(reasons[error.code ?? ''] ?? `${host}:${port} cannot be listened to: ${error.message}`))
    })
    server.listen(port, host, () => resolve())
  })
}

async function close(server: Server, app: ServeApp, engine: Engine): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // Connections that are kept alive end when their answers are through.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP)
  await app.drain()
  const patience = setTimeout(() => server.closeAllConnections(), 20 * SWEEP)
  await closed
  clearInterval(sweep)
  clearTimeout(patience)
  await engine.close()
}
