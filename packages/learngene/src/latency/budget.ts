import type { BackendName } from '@learngene/backends'
import { formatBudget, parseBudget } from '@learngene/budget-search'
import type { Budget } from '@learngene/interfaces'

/** Where and how latency is measured. */
export interface LatencySetting {
  readonly backend: BackendName | 'auto'
  /** Images per call. */
  readonly batch: number
}

/** Caps on a descendant, and where that on latency is measured. */
export interface MeasuredBudget extends LatencySetting {
  readonly caps: Budget
}

const BACKENDS = ['auto', 'tensorflow-gpu', 'webgpu', 'tensorflow', 'wasm', 'cpu'] as const satisfies (BackendName | 'auto')[]

/**
 * Reads `macs=5M,latency=20ms@webgpu,batch=1`: a budget, whose latency may name the backend that it is measured on (default auto) and the images per call (default 1).
 *
 * @throws Error of one line for anything else
 */
export function parseMeasuredBudget(text: string): MeasuredBudget {
  let setting: LatencySetting = { backend: 'auto', batch: 1 }
  const caps: string[] = []
  let [hasLatency, hasBatch] = [false, false]
  for (const entry of text.split(',')) {
    const [, name = '', value = ''] = /^\s*([^=]*?)\s*=\s*(.*?)\s*$/.exec(entry) ?? []
    if (name === 'batch') {
      if (hasBatch) throw new Error(`a budget names one batch: it comes twice in '${text}'`)
      hasBatch = true
      setting = { ...setting, batch: batchOf(value, text) }
    } else if (name === 'latency') {
      const [cap, ...backend] = value.split('@')
      if (backend.length > 0) setting = { ...setting, backend: backendOf(backend.join('@'), text) }
      hasLatency = true
      caps.push(`latency=${cap}`)
    } else caps.push(entry)
  }
  if (hasBatch && !hasLatency)
    throw new Error(`batch belongs to a cap on latency, such as latency=20ms@webgpu,batch=1: there is none in '${text}'`)
  return { ...setting, caps: parseBudget(caps.join()) }
}

/** Writes what {@link parseMeasuredBudget} reads. */
export function formatMeasuredBudget({ caps, backend, batch }: MeasuredBudget): string {
  const text = formatBudget(caps)
  return caps.latency === undefined ? text : `${text.replace(/latency=[^,]*/, (cap) => `${cap}@${backend}`)},batch=${batch}`
}

/** Reads `latency@webgpu,batch=8`, `macs` or `accuracy`. @throws Error of one line for anything else */
export function parseObjective(text: string): LatencySetting & { readonly objective: Objective } {
  const [head = '', ...rest] = text.split(',')
  const [name, backend] = head.trim().split('@')
  const objective = OBJECTIVES.find((each) => each === (name === 'params' ? 'parameters' : name))
  if (!objective) throw new Error(`an objective is one of ${OBJECTIVES.join(', ')} (params for short): got '${text}'`)
  if (objective !== 'latency' && (backend !== undefined || rest.length > 0))
    throw new Error(`only latency names a backend and a batch, such as latency@wasm,batch=1: got '${text}'`)
  const [, batch, more] = /^\s*batch=([^,]*)(,.*)?$/.exec(rest.join()) ?? []
  if ((rest.length > 0 && batch === undefined) || more !== undefined)
    throw new Error(`an objective reads like latency@wasm,batch=1: got '${text}'`)
  return {
    objective,
    backend: backend === undefined ? 'auto' : backendOf(backend, text),
    batch: batch === undefined ? 1 : batchOf(batch, text),
  }
}

/** Reads `webgpu` or `webgpu,batch=8`. @throws Error of one line for anything else */
export function parseLatencySetting(text: string): LatencySetting {
  const [, backend, batch] = /^\s*([^,]*?)\s*(?:,\s*batch=([^,]*))?$/.exec(text) ?? []
  if (backend === undefined) throw new Error(`latency is measured on a backend, such as wasm or webgpu,batch=8: got '${text}'`)
  return { backend: backendOf(backend, text), batch: batch === undefined ? 1 : batchOf(batch, text) }
}

/** What a search can be for: the most accuracy, or the least of a measure. */
export const OBJECTIVES = ['accuracy', 'macs', 'parameters', 'memory', 'bytes', 'latency'] as const

export type Objective = (typeof OBJECTIVES)[number]

function backendOf(name: string, text: string): BackendName | 'auto' {
  const backend = BACKENDS.find((each) => each === name)
  if (!backend) throw new Error(`latency is measured on one of ${BACKENDS.join(', ')}: got '${name}' in '${text}'`)
  return backend
}

function batchOf(value: string, text: string): number {
  const batch = Number(value)
  if (!/^\d+$/.test(value) || batch < 1 || batch > 65536)
    throw new Error(`batch must be an integer from 1 to 65536: got '${value}' in '${text}'`)
  return batch
}
