import type { ByteSource } from '@learngene/interfaces'
import { joined } from './joined.js'
import { type ArtifactStore, createStore } from './store.js'

/**
 * A store that lasts as long as it is referenced: for tests, and for pages that keep nothing. What is given and what is handed out are
 * copies.
 */
export function memoryStore(): ArtifactStore {
  const folders = new Map<string, { readonly manifest: Uint8Array; readonly files: ReadonlyMap<string, Uint8Array> }>()
  const checkpoints = new Map<string, Uint8Array>()
  return createStore({
    name: 'memory',
    folders: async () => [...folders.keys()],
    manifest: async (folder) => folders.get(folder)?.manifest,
    async file(folder, name) {
      const bytes = folders.get(folder)?.files.get(name)
      return bytes && source(bytes)
    },
    async put(folder, files, _, encoded) {
      folders.set(folder, { manifest: encoded, files: new Map(Object.entries(files).map(([name, bytes]) => [name, bytes.slice()])) })
    },
    remove: async (folder) => void folders.delete(folder),
    async checkpoint(folder) {
      const bytes = checkpoints.get(folder)
      return bytes && source(bytes)
    },
    putCheckpoint: async (folder, parts) => void checkpoints.set(folder, joined(parts)),
    removeCheckpoint: async (folder) => void checkpoints.delete(folder),
  })
}

const source = (bytes: Uint8Array): ByteSource => ({ byteLength: bytes.length, slice: (start, end) => bytes.slice(start, end) })
