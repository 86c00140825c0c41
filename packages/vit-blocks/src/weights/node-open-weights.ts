import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fileSource } from '../safetensors/node-file-source.js'
import { type HubCacheOptions, openHub } from './hub-cache.js'
import { openUrl } from './open-weights.js'
import type { UrlOptions } from './url-source.js'
import { modelFolder, parseWeightSpec, type WeightFiles } from './weight-files.js'

export interface NodeOpenOptions extends HubCacheOptions, UrlOptions {}

/**
 * Opens weights by their address, in Node: a path of a safetensors file, of an index of shards or of a folder; a URL of the same (a folder ends in `/`), read
 * by range requests; or `hf:owner/name[@revision]`, kept in the cache of Hugging Face's tools (needs `@huggingface/hub`). A file by itself is read
 * alone; `config.json` and `preprocessor_config.json` are read beside a file named as on the hub: `model.safetensors`, `*.index.json`.
 *
 * @throws Error of one line naming the address when there is nothing there, or it cannot be read
 */
export async function openWeights(spec: string | URL, options: NodeOpenOptions = {}): Promise<WeightFiles> {
  const parsed = parseWeightSpec(spec)
  if (parsed.kind === 'hub') return openHub(parsed.repository, parsed.revision, options)
  if (parsed.kind === 'path') return openPath(parsed.path)
  return parsed.url.protocol === 'file:' ? openPath(fileURLToPath(parsed.url)) : openUrl(parsed.url, options)
}

async function openPath(path: string): Promise<WeightFiles> {
  const found = await stat(path).catch(() => undefined)
  if (!found && /^\w[\w.-]*\/\w[\w.-]*$/.test(path) && !/\.(safetensors|json)$/.test(path))
    throw new Error(`${path}: there is no such file; a model of the Hugging Face hub is named 'hf:${path}'`)
  const isFolder = found?.isDirectory() ?? false
  const folder = isFolder ? path : dirname(path)
  const open = async (file: string) => {
    const place = join(folder, file)
    return (await stat(place).catch(() => undefined)) && fileSource(place)
  }
  return modelFolder({ name: path, file: isFolder ? undefined : basename(path), open })
}
