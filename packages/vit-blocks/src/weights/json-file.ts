import type { Json } from '@learngene/interfaces'
import { describe } from '../safetensors/errors.js'
import { readExactly } from '../safetensors/header.js'
import { SafetensorsError } from '../safetensors/index.js'
import type { WeightFiles } from './weight-files.js'

/** An index of the largest published models has some 60 MB; a ViT's files have a few. */
const largest = 2 ** 26

export type JsonMap = { readonly [key: string]: Json | undefined }

/** A JSON object of a model; undefined where there is no such file. */
export async function readJsonFile(files: WeightFiles, file: string): Promise<JsonMap | undefined> {
  const source = await files.open(file)
  if (!source) return undefined
  const name = fileNameIn(files, file)
  if (source.byteLength > largest) throw new SafetensorsError(`${name}: must have at most ${largest} bytes, found ${source.byteLength}`)
  const bytes = await readExactly(source, 0, source.byteLength, name)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw new SafetensorsError(`${name}: must be JSON: ${(error as Error).message}`)
  }
  return objectIn(value, name)
}

/** A file of the model as it appears in messages. */
export function fileNameIn({ name }: Pick<WeightFiles, 'name'>, file: string): string {
  return name.endsWith(file) ? name : `${name}: ${file}`
}

export function objectIn(value: unknown, name: string): JsonMap {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonMap
  throw new SafetensorsError(`${name}: must be an object, found ${describe(value)}`)
}
