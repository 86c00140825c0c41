import { describe } from '../safetensors/errors.js'
import type { TensorEntry } from '../safetensors/header.js'
import { openSafetensors, SafetensorsError, type SafetensorsFile } from '../safetensors/index.js'
import { fileNameIn, objectIn, readJsonFile } from './json-file.js'
import type { TensorFile } from './tensor-file.js'
import type { WeightFiles } from './weight-files.js'

/**
 * Opens the tensors of a model: one safetensors file, or the shards that an index (`model.safetensors.index.json`, `{ weight_map: { tensor: file } }`) names.
 *
 * @throws SafetensorsError when a file is missing or broken, or index and shards disagree, naming file and tensor
 */
export async function openTensors(files: WeightFiles): Promise<TensorFile> {
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
