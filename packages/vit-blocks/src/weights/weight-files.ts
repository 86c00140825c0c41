import type { ByteSource, Json } from '@learngene/interfaces'
import { describe } from '../safetensors/errors.js'
import { readExactly, type TensorEntry } from '../safetensors/header.js'
import { openSafetensors, SafetensorsError, type SafetensorsFile } from '../safetensors/index.js'

/** The files of one model: a folder, a place on a server, a repository of the hub, or one file alone. */
export interface WeightFiles {
  /** Names the model in errors. */
  readonly name: string
  /** The safetensors file, or the index (`*.index.json`) of several. */
  readonly file: string
  /** The hub's repository that the files are of, `owner/name`, where that is known. */
  readonly origin?: string
  /** Whether `config.json` and `preprocessor_config.json` beside the file belong to it. */
  readonly configured: boolean
  /** What the user should know about where the files came from. */
  readonly notes: readonly string[]
  /** Opens a file by its name; undefined where there is none. */
  open(file: string): Promise<ByteSource | undefined>
}

/** One safetensors file alone. */
export function singleFile(source: ByteSource, name: string): WeightFiles {
  return { name, file: name, configured: false, notes: [], open: async (file) => (file === name ? source : undefined) }
}

/** Where weights are: a repository of the Hugging Face hub, a URL, or a path. */
export type WeightSpec =
  | { readonly kind: 'hub'; readonly repository: string; readonly revision: string }
  | { readonly kind: 'url'; readonly url: URL }
  | { readonly kind: 'path'; readonly path: string }

/**
 * Reads `hf:owner/name[@revision]`, a URL or a path.
 *
 * @throws Error when something begins with `hf:` and does not go on so
 */
export function parseWeightSpec(spec: string | URL): WeightSpec {
  if (spec instanceof URL) return { kind: 'url', url: spec }
  if (/^https?:\/\//i.test(spec)) return { kind: 'url', url: new URL(spec) }
  if (!spec.startsWith('hf:')) return { kind: 'path', path: spec }
  const [, repository, revision = 'main'] = /^hf:(\w[\w.-]*\/\w[\w.-]*)(?:@([\w./-]+))?$/.exec(spec) ?? []
  if (repository === undefined || revision.split('/').some((part) => /^\.*$/.test(part))) {
    throw new Error(`weights of the hub must be given as 'hf:owner/name' or 'hf:owner/name@revision'; got '${spec}'`)
  }
  return { kind: 'hub', repository, revision }
}

/** The names of weights on the hub, in the order in which they are looked for. */
const usualFiles = ['model.safetensors', 'model.safetensors.index.json', 'open_clip_model.safetensors']

/**
 * A place that holds a model's files.
 *
 * @param place.file the file of the tensors; where it is undefined, one of the usual names is looked for
 * @throws Error when there is no such file
 */
export async function modelFolder(
  place: Pick<WeightFiles, 'name' | 'origin' | 'open'> & { readonly file: string | undefined; readonly notes?: readonly string[] },
): Promise<WeightFiles> {
  const { name, origin, file, notes = [] } = place
  const opened = new Map<string, ReturnType<WeightFiles['open']>>()
  const open = (file: string) => {
    if (!opened.has(file)) opened.set(file, place.open(file))
    return opened.get(file)!
  }
  for (const candidate of file === undefined ? usualFiles : [file]) {
    if ((await open(candidate)) === undefined) continue
    return { name, file: candidate, origin, configured: file === undefined || isUsual(candidate), notes, open }
  }
  if (file !== undefined) throw new Error(`${name}: there is no such file`)
  const pickle = await firstOf(pickles, open)
  const found =
    pickle === undefined ? 'none of them' : `${pickle}, a pickle, which may run code when it is read: save the weights with safetensors`
  throw new Error(`${name}: must hold ${usualFiles.join(' or ')}; it holds ${found}`)
}

/** Weights as PyTorch pickles them. */
const pickles = ['pytorch_model.bin', 'pytorch_model.bin.index.json', 'open_clip_pytorch_model.bin']

async function firstOf(names: readonly string[], open: WeightFiles['open']): Promise<string | undefined> {
  for (const name of names) if ((await open(name)) !== undefined) return name
  return undefined
}

function isUsual(file: string): boolean {
  return usualFiles.includes(file) || file.endsWith('.index.json')
}

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

/** Tensors by name from one file or several: what of a safetensors file a checkpoint needs. */
export type TensorFile = Pick<SafetensorsFile, 'name' | 'metadata' | 'tensors' | 'readFloat32'>

/**
 * Opens the tensors of a model: one safetensors file, or the shards that an index (`model.safetensors.index.json`, `{ weight_map: { tensor: file } }`) names.
 *
 * @throws SafetensorsError when a file is missing or broken, or index and shards disagree, naming file and tensor
 */
export async function openTensors(files: WeightFiles): Promise<TensorFile | SafetensorsFile> {
  if (!files.file.endsWith('.json')) return openOne(files, files.file)
  const name = fileNameIn(files, files.file)
  const index = await readJsonFile(files, files.file)
  if (!index) throw missing(files, files.file)
  const places = Object.entries(objectIn(index.weight_map, `${name}: weight_map`))
  const shards = new Map<string, SafetensorsFile>()
  for (const [tensor, file] of places) {
    if (!isPlainName(file)) {
      throw new SafetensorsError(`${name}: tensor ${describe(tensor)}: must lie in a file of the same folder, found ${describe(file)}`)
    }
    if (!shards.has(file)) shards.set(file, await openOne(files, file))
  }
  const shardOf = new Map<string, SafetensorsFile>()
  for (const [tensor, file] of places as [string, string][]) {
    const shard = shards.get(file)!
    if (!shard.tensors.has(tensor))
      throw new SafetensorsError(`${name}: tensor ${describe(tensor)}: must be in ${file}, as the index says, but is not`)
    shardOf.set(tensor, shard)
  }
  const tensors = new Map<string, TensorEntry>()
  for (const [file, shard] of shards) {
    for (const [tensor, entry] of shard.tensors) {
      if (shardOf.get(tensor) === shard) {
        tensors.set(tensor, entry)
        continue
      }
      const found = shardOf.has(tensor) ? shardOf.get(tensor)!.name : 'nowhere'
      throw new SafetensorsError(`${name}: tensor ${describe(tensor)} of ${file}: must stand so in the index, which has it ${found}`)
    }
  }
  const readFloat32 = (tensor: string) => {
    const shard = shardOf.get(tensor)
    if (!shard) throw new SafetensorsError(`${name}: tensor ${describe(tensor)} is not in the index`)
    return shard.readFloat32(tensor)
  }
  return { name, metadata: {}, tensors, readFloat32 }
}

async function openOne(files: WeightFiles, file: string): Promise<SafetensorsFile> {
  const source = await files.open(file)
  if (!source) throw missing(files, file)
  return openSafetensors(source, { name: fileNameIn(files, file) })
}

function missing(files: WeightFiles, file: string): SafetensorsError {
  return new SafetensorsError(`${fileNameIn(files, file)}: there is no such file; is the model complete?`)
}

/** A shard named by somebody's index must not lead out of the model's folder. */
function isPlainName(file: unknown): file is string {
  return typeof file === 'string' && /^[\w-][\w.-]*\.safetensors$/.test(file)
}
