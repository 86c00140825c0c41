import { describe } from './safetensors/errors.js'

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

/** Reads one of the given names of a plain configuration. */
export function choiceIn<T extends string>(config: object, key: string, choices: readonly T[], fallback: T): T {
  const { [key]: value = fallback } = config as Record<string, unknown>
  if (choices.includes(value as T)) return value as T
  throw new Error(`config: '${key}' must be ${choices.map((name) => `'${name}'`).join(' or ')}; got ${describe(value)}`)
}

/** Reads a whole number of at least 0 of a plain configuration. */
export function countIn(config: object, key: string, fallback?: number): number {
  const { [key]: value = fallback } = config as Record<string, unknown>
  return value === 0 ? 0 : integerIn(config, key, fallback)
}

/** Reads true or false of a plain configuration. */
export function flagIn(config: object, key: string, fallback: boolean): boolean {
  const { [key]: value = fallback } = config as Record<string, unknown>
  if (typeof value === 'boolean') return value
  throw new Error(`config: '${key}' must be true or false; got ${describe(value)}`)
}
