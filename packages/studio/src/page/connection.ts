import { effect } from '@preact/signals'
import type { GivenPicture, Report, Request, StudioBackend } from '../worker/messages.js'
import { backend, latencies, offline, otherBackend, otherLatencies, path, ready, receive, truth } from './state.js'

/** Where the family's files are. */
const family = new URL('family/', document.baseURI).href

let worker: Worker | undefined
let last = 0

/** The number of a request, to tell its answer. */
export const nextId = () => ++last

function open(take: (report: Report) => void): Worker {
  const made = new Worker(new URL('../worker/studio.worker.ts', import.meta.url), { type: 'module' })
  made.onmessage = ({ data }: MessageEvent<Report>) => take(data)
  made.onerror = (event) =>
    take({ kind: 'problem', what: 'backend', message: event.message || 'the worker does not start: is the page served whole?' })
  return made
}

export function send(request: Request, transfer: Transferable[] = []): void {
  worker?.postMessage(request, transfer)
}

/** Starts the worker that holds the family. `?backend=wasm` or `webgpu` asks for one. */
export function connect(): void {
  const asked = new URLSearchParams(location.search).get('backend')
  worker = open(receive)
  send({ kind: 'start', family, backend: asked === 'wasm' || asked === 'webgpu' ? asked : 'auto' })
  effect(() => {
    if (path.value !== undefined) send({ kind: 'choose', id: nextId(), path: path.value })
  })
}

let shown: GivenPicture | undefined

/** Shows a picture. @param label its class, of a sample */
export function show(picture: GivenPicture, label?: number): void {
  shown = picture
  truth.value = label
  const transfer = picture.kind === 'frame' ? [picture.frame] : []
  send({ kind: 'show', id: nextId(), picture }, transfer)
}

/** Shows the same picture inverted, or as it is. */
export function invert(inverted: boolean): void {
  if (shown && shown.kind !== 'frame') send({ kind: 'show', id: nextId(), picture: shown, invert: inverted })
}

/** Measures the other backend in a worker of its own, which ends when it is done. */
export function measureOther(): void {
  if (otherBackend.value) return
  const name: StudioBackend = backend.value?.name === 'webgpu' ? 'wasm' : 'webgpu'
  otherBackend.value = { note: `starting ${name}` }
  const second = open((report) => {
    if (report.kind === 'backend') {
      if (report.name === name) otherBackend.value = { name, note: `measuring ${name}` }
      else {
        otherBackend.value = { note: report.why }
        second.terminate()
      }
    }
    if (report.kind === 'latency') otherLatencies.value = new Map(otherLatencies.value).set(report.figure.path, report.figure)
    if (report.kind === 'measured') {
      otherBackend.value = { name, note: `measured ${name}` }
      second.terminate()
    }
    if (report.kind === 'problem') {
      otherBackend.value = { note: report.message }
      second.terminate()
    }
  })
  second.postMessage({ kind: 'start', family, backend: name, measureOnly: true } satisfies Request)
}

/** Keeps the page and the family for visits without a network, once all of it is here. */
export function keepForOffline(tiers: number): void {
  if (!('serviceWorker' in navigator) || !window.isSecureContext || import.meta.env.DEV) return
  const stop = effect(() => {
    if (ready.value.length < tiers || latencies.value.size === 0) return
    queueMicrotask(() => stop())
    offline.value = 'keeping'
    navigator.serviceWorker
      .register(new URL('sw.js', document.baseURI))
      .then(() => navigator.serviceWorker.ready)
      .then(() => {
        offline.value = 'kept'
      })
      .catch(() => {
        offline.value = 'no'
      })
  })
}
