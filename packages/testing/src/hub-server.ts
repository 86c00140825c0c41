import { createHash } from 'node:crypto'
import { type SendOptions, sendBytes, startServer, type TestServer } from './server.js'

/** A server with the addresses of the Hugging Face hub that serves one model, and what it does wrong. */
export interface TestHub extends TestServer {
  /** Files by name; `.safetensors` files are stored as the hub stores large ones. */
  files: { [file: string]: Uint8Array }
  commit: string
  /** Says how the next download goes on; default as it should. */
  sabotage: (file: string) => SendOptions & { readonly bytes?: Uint8Array; readonly status?: number }
  /** Says with which status the next request is refused; default none. */
  refuse: (path: string) => number | undefined
  /** The `Authorization` of each request. */
  readonly authorizations: (string | undefined)[]
}

export const testRepository = 'facebook/deit-test'

export async function startHub(files: { [file: string]: Uint8Array }): Promise<TestHub> {
  const server = await startServer(async (request, response) => {
    const json = (status: number, value: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    const { pathname } = new URL(request.url!, 'http://hub')
    hub.authorizations.push(request.headers.authorization)
    const refused = hub.refuse(pathname)
    if (refused) return json(refused, { error: 'refused' })
    const [api, resolve] = [`/api/models/${testRepository}/`, `/${testRepository}/resolve/`]
    if (pathname.startsWith(`${api}revision/`)) {
      const revision = decodeURIComponent(pathname.slice(`${api}revision/`.length))
      return ['main', hub.commit].includes(revision)
        ? json(200, { _id: '1', id: testRepository, sha: hub.commit })
        : json(404, { error: `Invalid rev id: ${revision}` })
    }
    if (pathname.startsWith(`${api}paths-info/`)) {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const { paths } = JSON.parse(Buffer.concat(chunks).toString()) as { paths: string[] }
      return json(
        200,
        paths.filter((path) => hub.files[path]).map((path) => infoOf(path, hub.files[path]!)),
      )
    }
    if (pathname.startsWith(resolve)) {
      const [, file] = pathname.slice(resolve.length).split('/') as [string, string]
      if (isLarge(file)) return response.writeHead(302, { location: `/storage/${file}`, 'x-linked-size': hub.files[file]!.length }).end()
      return sendBytes(request, response, hub.files[file]!, { etag: `"${infoOf(file, hub.files[file]!).oid}"` })
    }
    if (pathname.startsWith('/storage/')) {
      const file = pathname.slice('/storage/'.length)
      // The client asks for the first byte to learn length and hash.
      const { bytes = hub.files[file]!, status, ...options } = request.headers.range === 'bytes=0-0' ? {} : hub.sabotage(file)
      if (status) return response.writeHead(status).end()
      return sendBytes(request, response, bytes, { etag: `"${file}"`, ...options })
    }
    return json(401, { error: 'Repository not found' })
  })
  const hub: TestHub = Object.assign(server, {
    files,
    commit: 'a'.repeat(40),
    sabotage: () => ({}),
    refuse: () => undefined,
    authorizations: [],
  })
  return hub
}

const isLarge = (file: string) => file.endsWith('.safetensors')

function infoOf(path: string, bytes: Uint8Array) {
  const { length: size } = bytes
  const oid = createHash('sha1').update(`blob ${size}\0`).update(bytes).digest('hex')
  const lfs = { oid: createHash('sha256').update(bytes).digest('hex'), size, pointerSize: 100 }
  return { type: 'file', path, oid, size, ...(isLarge(path) && { lfs }) }
}
