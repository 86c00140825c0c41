// Serves the repository's files as they are, cross-origin isolated, for index.html. Usage: node serve.mjs [PORT]
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' }

/** @returns {import('node:http').Server} listening on 127.0.0.1 */
export function serve(port = 0) {
  const server = createServer(async ({ url }, response) => {
    const path = join(root, normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname)))
    const found = await stat(path).catch(() => null)
    if (!found?.isFile()) return response.writeHead(404).end()
    response.writeHead(200, {
      'Content-Type': types[extname(path)] ?? 'application/octet-stream',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    })
    createReadStream(path).pipe(response)
  })
  return server.listen(port, '127.0.0.1')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = serve(Number(process.argv[2] ?? 8080))
  server.on('listening', () => console.log(`http://127.0.0.1:${server.address().port}/examples/page-import-map/index.html`))
}
