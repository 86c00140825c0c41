import { decodeInPage } from './page-pool.js'
import { type PoolRequest, replyTo, transfers } from './pool.js'

// No entry of the package but the file that the workers of `pagePool` start with.
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<PoolRequest>) => void
  postMessage(message: unknown, transfer: Transferable[]): void
}
scope.onmessage = async ({ data }) => {
  const reply = await replyTo(data, decodeInPage)
  scope.postMessage(reply, transfers(reply))
}
