import { parentPort } from 'node:worker_threads'
import { decodeInNode } from './node-pool.js'
import { type PoolRequest, replyTo, transfers } from './pool.js'

// No entry of the package but the file that the worker threads of `nodePool` start with.
parentPort!.on('message', async (request: PoolRequest) => {
  const reply = await replyTo(request, decodeInNode)
  parentPort!.postMessage(reply, transfers(reply))
})
