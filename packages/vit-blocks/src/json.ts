import type { Json, JsonObject } from '@learngene/interfaces'
import { describe } from './safetensors/errors.js'
import { duplicateKey } from './safetensors/header.js'

export { describe }

/** Deeper than anything is written, and far from what recursion over a value can take. */
const deepest = 64

/**
 * JSON from a file. Of a key that stands twice in an object, `JSON.parse` silently takes the last one, other readers the first; here it is an error.
 *
 * @throws Error when the text is not JSON, an object holds a key twice, a number is beyond float64, or values nest deeper than 64 levels
 */
export function parse(text: string): Json {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`it must be JSON: ${(error as Error).message}`)
  }
  const key = duplicateKey(text)
  if (key !== undefined) throw new Error(`a key must occur once in an object; got ${describe(key)} twice`)
  checkValues(value)
  return value
}

/** Level by level, as the stack may not reach down to the deepest. `JSON.parse` makes numbers beyond the largest, such as 1e999, infinite. */
function checkValues(value: Json): void {
  let level: readonly unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    if (level.some((each) => typeof each === 'number' && !Number.isFinite(each)))
      throw new Error('its numbers must be finite; got one beyond 1.8e308')
    if (depth > deepest) throw new Error(`its values must nest at most ${deepest} levels deep; they nest deeper`)
    level = level.filter((each) => typeof each === 'object' && each !== null).flatMap((each) => Object.values(each as object))
  }
}

/** @throws Error when the value, which messages call `name`, is no object */
export function object(value: unknown, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${name} must be an object; got ${describe(value)}`)
  }
  return value as JsonObject
}

/** The items, each read by `item`. @throws Error when the value is no list, or a longer one than `most` */
export function list<T>(value: unknown, name: string, most: number, item: (value: unknown, name: string) => T): T[] {
  if (!Array.isArray(value)) throw new Error(`${name} must be a list; got ${describe(value)}`)
  if (value.length > most) throw new Error(`${name} must have at most ${most} items; got ${value.length}`)
  return value.map((each, i) => item(each, `${name}[${i}]`))
}

/** @throws Error when the value is no text, or not `rule.pattern`, which `rule.words` put into words */
export function text(value: unknown, name: string, rule: { readonly pattern: Pick<RegExp, 'test'>; readonly words: string }): string {
  if (typeof value !== 'string' || !rule.pattern.test(value)) throw new Error(`${name} must be ${rule.words}; got ${describe(value)}`)
  return value
}

/** @throws Error when the value is no integer from `least` to `most` */
export function integer(value: unknown, name: string, least: number, most: number): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw new Error(`${name} must be an integer from ${least} to ${most}; got ${describe(value)}`)
  }
  return value as number
}

/** @throws Error when the value is neither true nor false */
export function flag(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw new Error(`${name} must be true or false; got ${describe(value)}`)
  return value
}
