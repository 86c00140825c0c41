import { describe } from './describe.js'
import { duplicateKey } from './duplicate-key.js'
import { SafetensorsError } from './safetensors-error.js'

/** A JSON object whose values are not looked at yet. */
export type JsonRecord = { readonly [key: string]: unknown }

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The header's bytes as an object: UTF-8 JSON that begins with `{` and has no key twice. */
export function parseHeaderJson(bytes: Uint8Array, name: string): JsonRecord {
  const text = decodeUtf8(bytes, name)
  if (!text.startsWith('{')) {
    throw new SafetensorsError(`${name}: the header must be a JSON object and begin with "{", found ${describe(text.slice(0, 20))}`)
  }
  const header = parseJson(text, name)
  const key = duplicateKey(text)
  if (key !== undefined) throw new SafetensorsError(`${name}: a key of the header must occur once, found ${describe(key)} twice`)
  return header
}

function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new SafetensorsError(`${name}: the header must be valid UTF-8, its ${bytes.length} bytes are not`)
  }
}

function parseJson(text: string, name: string): JsonRecord {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SafetensorsError(`${name}: the header must be valid JSON: ${(error as Error).message}`)
  }
}
