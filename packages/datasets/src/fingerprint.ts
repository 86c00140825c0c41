import type { Json } from '@learngene/interfaces'

/** SHA-256 of bytes, in hexadecimal digits. Throws one line where a page may not compute it, which is any that did not come over https or from localhost. */
export const sha256 = async (bytes: Uint8Array): Promise<string> => {
  const { subtle } = globalThis.crypto
  if (!subtle) throw new Error('fingerprints need crypto.subtle, which a page has when it comes over https or from localhost, got neither')
  const hash = new Uint8Array(await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** SHA-256 of whole numbers below 2^32, whatever type of array holds them. */
export const sha256OfNumbers = (numbers: ArrayLike<number>): Promise<string> => {
  const bytes = new Uint8Array(4 * numbers.length)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < numbers.length; i++) view.setUint32(4 * i, numbers[i]!, true)
  return sha256(bytes)
}

/** SHA-256 of a plain value; the order of keys does not matter, and keys without a value do not count. */
export const sha256OfJson = (value: unknown): Promise<string> => sha256(new TextEncoder().encode(JSON.stringify(sorted(value))))

const sorted = (value: unknown): Json => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value as Json
  const keys = Object.keys(value).sort()
  return Object.fromEntries(keys.map((key) => [key, sorted((value as { readonly [key: string]: unknown })[key])]))
}

/** A function that computes once, and again only where that failed. */
export const once = <T>(compute: () => Promise<T>): (() => Promise<T>) => {
  let known: Promise<T> | undefined
  return () => {
    known ??= compute().catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}
