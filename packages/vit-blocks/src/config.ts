import { describe } from './safetensors/describe.js'

/** Reads one positive integer of a plain configuration. */
export function integerIn(config: object, key: string, fallback?: number): number {
  const value = numberIn(config, key, fallback)
  if (!Number.isInteger(value)) throw new Error(`config: '${key}' must be a positive integer; got ${value}`)
  return value
}

/** Reads one positive number of a plain configuration. */
export function numberIn(config: object, key: string, fallback?: number): number {
  const value = (config as Record<string, unknown>)[key] ?? fallback
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    throw new Error(`config: '${key}' must be a positive number; got ${describe(value)}`)
  }
  return value
}
