import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { decodeImage } from '../preprocess/decode-image.js'
import { type PictureWorker, picturePool } from './pool.js'
import type { DecodePlace } from './prepare.js'

export const decodeInNode: DecodePlace = (place) => decodeImage('path' in place ? place.path : place.bytes, place.options)

/** The worker's file as it lies beside the built package; not there where the package runs from its sources or from inside an application's bundle. */
const script = new URL('./node-worker.js', import.meta.url)

const startWorker = (): PictureWorker | undefined => {
  if (script.protocol !== 'file:' || !existsSync(fileURLToPath(script))) return undefined
  const worker = new Worker(script, { name: 'pictures' })
  worker.unref()
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onFailure) {
      worker.on('message', onMessage)
      worker.on('messageerror', onFailure)
      worker.on('error', onFailure)
      worker.on('exit', onFailure)
    },
    hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  }
}

/** The worker threads of this process; a core is left to the thread that trains. */
export const nodePool = picturePool({
  size: Math.max(1, Math.min(4, availableParallelism() - 1)),
  start: startWorker,
  decode: decodeInNode,
})
