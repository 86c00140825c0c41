import { decodeBlob } from '../preprocess/decode-blob.js'
import { type PicturePool, type PictureWorker, picturePool } from './pool.js'
import type { DecodePlace } from './prepare.js'

export const decodeInPage: DecodePlace = (place) => {
  if ('path' in place) throw new Error(`${place.path}: a page cannot read paths`)
  return decodeBlob(new Blob([place.bytes as Uint8Array<ArrayBuffer>]), place.options)
}

const startWorker = (): PictureWorker => {
  const worker = new Worker(new URL('./page-worker.js', import.meta.url), { type: 'module', name: 'pictures' })
  return {
    post: (message) => worker.postMessage(message),
    listen(onMessage, onFailure) {
      worker.onmessage = ({ data }) => onMessage(data)
      worker.onmessageerror = onFailure
      worker.onerror = (event) => {
        event.preventDefault()
        onFailure()
      }
    },
    hold: () => {},
    terminate: () => worker.terminate(),
  }
}

/** The workers of this page, where it has workers that can decode; the page itself keeps a core. */
export const pagePool: PicturePool = /* @__PURE__ */ picturePool({
  size: typeof navigator === 'undefined' ? 1 : Math.max(1, Math.min(4, (navigator.hardwareConcurrency ?? 2) - 1)),
  start: () => (typeof Worker === 'undefined' || typeof OffscreenCanvas === 'undefined' ? undefined : startWorker()),
  decode: decodeInPage,
})
