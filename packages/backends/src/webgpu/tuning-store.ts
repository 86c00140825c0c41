import { cacheFolder } from '../cache-folder.js'
import { isNode, nodeBuiltin } from '../node-builtin.js'

/** Where tables of measured plans are kept, one file an adapter. */
export interface TuningStore {
  /** For people: a folder's path, or where in the browser. */
  readonly place: string
  /** undefined where there is none. @throws where it cannot be read */
  read(name: string): Promise<string | undefined>
  /** Whole or not at all. @throws what the file system says */
  write(name: string, text: string): Promise<void>
}

type Environment = { readonly [variable: string]: string | undefined }

/** Under Node a folder of this machine's caches, in a page its private files; undefined where a page may keep none. */
export function tuningStore(): TuningStore | undefined {
  if (isNode()) return folderStore(tuningFolder(process.env, process.platform))
  return typeof globalThis.navigator?.storage?.getDirectory === 'function' ? pageStore() : undefined
}

/** Beside the latency profiles. */
export const tuningFolder = (env: Environment, platform: NodeJS.Platform): string => cacheFolder('webgpu', env, platform)

export function folderStore(folder: string): TuningStore {
  const { mkdir, readFile, rename, rm, writeFile } = nodeBuiltin('node:fs/promises')
  const { join } = nodeBuiltin('node:path')
  return {
    place: folder,
    read: (name) => readFile(join(folder, name), 'utf8').catch((error) => missing(error, 'code', 'ENOENT')),
    async write(name, text) {
      await mkdir(folder, { recursive: true })
      const beside = join(folder, `.${name}.${globalThis.crypto.randomUUID()}.tmp`)
      try {
        await writeFile(beside, text, { flush: true })
        await rename(beside, join(folder, name))
      } catch (error) {
        await rm(beside, { force: true })
        throw error
      }
    },
  }
}

function pageStore(): TuningStore {
  const folder = async () => {
    const root = await navigator.storage.getDirectory()
    return (await root.getDirectoryHandle('learngene', { create: true })).getDirectoryHandle('webgpu', { create: true })
  }
  return {
    place: "the page's private files, learngene/webgpu",
    async read(name) {
      try {
        return await (await (await (await folder()).getFileHandle(name)).getFile()).text()
      } catch (error) {
        return missing(error, 'name', 'NotFoundError')
      }
    },
    // The file changes when the writer is closed.
    async write(name, text) {
      const writer = await (await (await folder()).getFileHandle(name, { create: true })).createWritable()
      await writer.write(text)
      await writer.close()
    },
  }
}

function missing(error: unknown, key: 'code' | 'name', value: string): undefined {
  if ((error as { readonly [name: string]: unknown })[key] !== value) throw error
}
