import { Tensor } from '@tensorflow/tfjs-core'

/** Every tensor that can be reached from `value` through arrays, maps, sets and the own properties of objects; each once, cycles allowed. */
export function collectTensors(value: unknown): Tensor[] {
  const seen = new Set<object>()
  const tensors: Tensor[] = []
  const pending: unknown[] = [value]
  while (pending.length > 0) {
    const next = pending.pop()
    if (typeof next !== 'object' || next === null || ArrayBuffer.isView(next) || seen.has(next)) continue
    seen.add(next)
    if (next instanceof Tensor) tensors.push(next)
    else if (next instanceof Map) for (const [key, entry] of next) pending.push(key, entry)
    else if (next instanceof Set) for (const entry of next) pending.push(entry)
    else for (const entry of Object.values(next)) pending.push(entry)
  }
  return tensors
}
