import { describe } from './safetensors/describe.js'

/** The largest size that anything has: it keeps a damaged number from asking for absurd memory. */
const largestSize = 2 ** 24

/** Reads one positive integer of a plain configuration. */
export function integerIn(config: object, key: string, fallback?: number): number {
  const value = numberIn(config, key, fallback)
  if (!Number.isInteger(value)) throw new Error(`config: '${key}' must be a positive integer; got ${value}`)
  if (value > largestSize) throw new Error(`config: '${key}' must be at most ${largestSize}; got ${value}`)
  return value
}

/** Reads one positive number of a plain configuration. */
export function numberIn(config: object, key: string, fallback?: number): number {
  const { [key]: value = fallback } = config as Record<string, unknown>
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw new Error(`config: '${key}' must be a positive number; got ${describe(value)}`)
  }
  return value
}
