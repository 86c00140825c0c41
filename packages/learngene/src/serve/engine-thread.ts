import { parentPort, workerData } from 'node:worker_threads'
import { oneLine } from '../errors.js'
import { openEngine } from './engine.js'
import type { EngineMessage, EngineRequest, EngineStart } from './thread-engine.js'

// No entry of the package but the file that the thread of `openThreadEngine` starts with.
const port = parentPort!
const post = (message: EngineMessage) => port.postMessage(message)
try {
  const {
    close,
    classify,
    failed: _,
    ...facts
  } = await openEngine(workerData as EngineStart, (event) => post({ kind: 'report', event }), new AbortController().signal)
  port.on('message', async (request: EngineRequest) => {
    if (request.kind === 'close') {
      await close()
      return port.close()
    }
    const { id, model, pictures, top } = request
    try {
      post({ kind: 'answer', id, predictions: await classify(model, pictures, top) })
    } catch (error) {
      post({ kind: 'failure', id, message: oneLine(error) })
    }
  })
  post({ kind: 'ready', facts })
} catch (error) {
  // A usage error stays one.
  post({ kind: 'impossible', message: oneLine(error), isUsage: (error as Error).name === 'UsageError' })
}
