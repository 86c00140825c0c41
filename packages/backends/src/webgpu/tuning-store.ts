import { cacheFolder } from '../cache-folder.js'
import { isNode, nodeBuiltin } from '../node-builtin.js'

/** Where tables of measured plans are kept, one file an adapter. */
export interface TuningStore {
  /** For people: a folder's path, or where in the browser. */
  readonly place: string
  /** For people: what to do where nothing can be read or kept there. */
  readonly remedy: string
  /** undefined where there is none, or an empty one, as a page leaves that is closed while it writes its first. @throws where it cannot be read */
  read(name: string): Promise<string | undefined>
  /**
   * Puts in a text's place what `change` makes of it, whole or not at all, while no other process or page does. One that cannot be read is none.
   *
   * @throws what the file system says
   */
  update(name: string, change: (kept: string | undefined) => string): Promise<void>
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
  // ENOTDIR: what should be a folder, as in /dev/null, is none.
  const read = async (name: string) =>
    (await readFile(join(folder, name), 'utf8').catch((error) => missing(error, 'code', ['ENOENT', 'ENOTDIR']))) || undefined
  return {
    place: folder,
    remedy: 'give this user the right to read and write there, or name another folder by XDG_CACHE_HOME',
    read,
    async update(name, change) {
      await mkdir(folder, { recursive: true })
      await alone(join(folder, `.${name}.lock`), async () => {
        const text = change(await read(name).catch(() => undefined))
        const beside = join(folder, `.${name}.${globalThis.crypto.randomUUID()}.tmp`)
        try {
          await writeFile(beside, text, { flush: true })
          await rename(beside, join(folder, name))
        } catch (error) {
          await rm(beside, { force: true })
          throw error
        }
      })
    },
  }
}

/** A lock that is older than this, in ms, or from so far in the future, is of a process that was killed: it is held for one file to be read and written. */
const STALE_MS = 10_000
const RETRY_MS = 10

/** Runs something while no other process does so with this lock, a file. */
async function alone(lock: string, run: () => Promise<void>): Promise<void> {
  const { rm, stat, writeFile } = nodeBuiltin('node:fs/promises')
  const isTaken = async () => {
    try {
      await writeFile(lock, '', { flag: 'wx' })
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return false
    }
  }
  while (!(await isTaken())) {
    const age = Date.now() - (await stat(lock).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs
    if (Math.abs(age) > STALE_MS) await rm(lock, { force: true })
    else await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
  try {
    await run()
  } finally {
    await rm(lock, { force: true })
  }
}

function pageStore(): TuningStore {
  const folder = async () => {
    const root = await navigator.storage.getDirectory()
    return (await root.getDirectoryHandle('learngene', { create: true })).getDirectoryHandle('webgpu', { create: true })
  }
  const read = async (name: string) => {
    try {
      return (await (await (await (await folder()).getFileHandle(name)).getFile()).text()) || undefined
    } catch (error) {
      return missing(error, 'name', ['NotFoundError'])
    }
  }
  return {
    place: "the page's private files, learngene/webgpu",
    remedy: 'allow the page to keep files, and free some of its storage',
    read,
    update: (name, change) =>
      navigator.locks.request(`learngene/webgpu/${name}`, async () => {
        const text = change(await read(name).catch(() => undefined))
        // A new file is there, empty, from now on; it changes when the writer is closed.
        const writer = await (await (await folder()).getFileHandle(name, { create: true })).createWritable()
        await writer.write(text)
        await writer.close()
      }),
  }
}

function missing(error: unknown, key: 'code' | 'name', values: readonly string[]): undefined {
  const value = (error as { readonly [name: string]: unknown })[key]
  if (typeof value !== 'string' || !values.includes(value)) throw error
}
