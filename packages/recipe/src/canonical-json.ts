import type { Json } from '@learngene/interfaces'
import { describe } from '@learngene/vit-blocks'

/**
 * JSON of which equal values have one text: keys in the order of their code units, no spaces, `-0` as `0`. Properties that are undefined
 * are left out, as `JSON.stringify` does.
 *
 * @throws Error of one line naming the place of what JSON cannot hold: a number that is not finite, a function, an array with holes, an
 * instance of a class
 */
export function canonicalJson(value: Json): string {
  return write(value, '')
}

/** Of bytes or of a text's UTF-8, in hexadecimal. @throws Error in a page that is not secure, where browsers do not hash */
export async function sha256(content: Uint8Array | string): Promise<string> {
  if (globalThis.crypto?.subtle === undefined) throw new Error('SHA-256 needs a secure page; serve it by https or from localhost')
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function write(value: unknown, path: string): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${Array.from(value, (item, i) => write(item, `${path}[${i}]`)).join(',')}]`
  if (!isPlain(value)) throw new Error(`JSON: ${path || 'the value'} must be plain data; got ${describe(value)}`)
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${write(each, path ? `${path}.${key}` : key)}`).join(',')}}`
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
