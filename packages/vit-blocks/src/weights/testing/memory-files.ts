import { bytesSource } from '../../safetensors/index.js'
import type { WeightFiles } from '../weight-files.js'

/** A model whose files are in memory; objects are JSON. */
export function memoryFiles(files: { readonly [file: string]: Uint8Array | object }, changes: Partial<WeightFiles> = {}): WeightFiles {
  const bytesOf = (content: Uint8Array | object) =>
    content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content))
  return {
    name: 'model',
    file: 'model.safetensors',
    configured: true,
    notes: [],
    open: async (file) => (files[file] === undefined ? undefined : bytesSource(bytesOf(files[file]))),
    ...changes,
  }
}
