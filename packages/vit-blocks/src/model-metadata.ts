import type { JsonObject } from '@learngene/interfaces'
import * as json from './json.js'
import { readStructure } from './read-structure.js'
import { SafetensorsError, type SafetensorsFile } from './safetensors/index.js'
import type { NetworkStructure } from './structure.js'

/** What a model's user must know besides its weights: how images are prepared, class names, where it comes from. */
export type ModelDetails = JsonObject

/** Safetensors metadata are strings, so all of ours is one JSON text under this key. */
const KEY = 'learngene'
const SCHEMA = 1

/** @throws SafetensorsError when it would not be read again */
export function writeMetadata(structure: NetworkStructure, details: ModelDetails): { readonly [key: string]: string } {
  const metadata = { [KEY]: JSON.stringify({ schema: SCHEMA, structure, details }) }
  readMetadata({ name: 'the model', metadata })
  return metadata
}

/**
 * Structure and details of a file of ours, undefined for a file of others.
 *
 * @throws SafetensorsError when they are not as this version writes them
 */
export function readMetadata(
  file: Pick<SafetensorsFile, 'name' | 'metadata'>,
): { structure: NetworkStructure; details: ModelDetails } | undefined {
  const text = Object.hasOwn(file.metadata, KEY) ? file.metadata[KEY] : undefined
  if (text === undefined) return undefined
  try {
    const { schema, structure, details = {} } = json.object(json.parse(text), 'it')
    if (schema !== SCHEMA) throw new Error(`its schema must be ${SCHEMA}, as this version writes it; got ${json.describe(schema)}`)
    return { structure: readStructure(structure), details: json.object(details, 'details') }
  } catch (error) {
    throw new SafetensorsError(`${file.name}: metadata '${KEY}': ${(error as Error).message}`)
  }
}
