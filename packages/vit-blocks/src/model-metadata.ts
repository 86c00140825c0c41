import type { Json, JsonObject } from '@learngene/interfaces'
import { integerIn, numberIn } from './config.js'
import type { BlockSpec } from './registry.js'
import { describe } from './safetensors/describe.js'
import { SafetensorsError, type SafetensorsFile } from './safetensors/index.js'
import type { NetworkStructure } from './structure.js'

/** What a model's user must know besides its weights: how images are prepared, class names, where it comes from. */
export type ModelDetails = JsonObject

/** Safetensors metadata are strings, so all of ours is one JSON text under this key. */
const KEY = 'learngene'
const SCHEMA = 1

export function writeMetadata(structure: NetworkStructure, details: ModelDetails): { readonly [key: string]: string } {
  return { [KEY]: JSON.stringify({ schema: SCHEMA, structure, details }) }
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
    const { schema, structure, details = {} } = objectFrom(JSON.parse(text), 'it')
    if (schema !== SCHEMA) throw new Error(`its schema must be ${SCHEMA}, as this version writes it; got ${describe(schema)}`)
    return { structure: structureFrom(structure), details: objectFrom(details, 'details') }
  } catch (error) {
    throw new SafetensorsError(`${file.name}: metadata '${KEY}': ${(error as Error).message}`)
  }
}

function structureFrom(value: Json | undefined): NetworkStructure {
  const structure = objectFrom(value, 'structure')
  const geometry = objectFrom(structure.geometry, 'structure.geometry')
  const { blocks } = structure
  if (!Array.isArray(blocks)) throw new Error(`structure.blocks must be a list; got ${describe(blocks)}`)
  return {
    geometry: {
      imageSize: integerIn(geometry, 'imageSize'),
      patchSize: integerIn(geometry, 'patchSize'),
      channels: integerIn(geometry, 'channels'),
    },
    classes: integerIn(structure, 'classes'),
    epsilon: numberIn(structure, 'epsilon'),
    blocks: blocks.map((block, i) => specFrom(block, `structure.blocks[${i}]`)),
    embeddingWidth: integerIn(structure, 'embeddingWidth'),
    headWidth: integerIn(structure, 'headWidth'),
    ...flagIn(structure, 'distillationToken'),
    ...flagIn(structure, 'distillationHead'),
  }
}

function flagIn<K extends string>(value: JsonObject, key: K): { readonly [key in K]?: true } {
  const flag = value[key]
  if (flag === undefined || flag === false) return {}
  if (flag !== true) throw new Error(`structure.${key} must be true or false; got ${describe(flag)}`)
  return { [key]: true } as { readonly [key in K]: true }
}

function specFrom(value: Json, name: string): BlockSpec {
  const { kind, config } = objectFrom(value, name)
  if (typeof kind !== 'string') throw new Error(`${name}.kind must be the name of a block kind; got ${describe(kind)}`)
  return { kind, config: objectFrom(config, `${name}.config`) }
}

function objectFrom(value: Json | undefined, name: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${name} must be an object; got ${describe(value)}`)
  }
  return value as JsonObject
}
