import type { ByteSource } from '@learngene/interfaces'
import { MANIFEST, type Manifest } from './manifest.js'
import { type ArtifactStore, createStore, type Files } from './store.js'

/** What TypeScript's library does not say of a folder's handle. */
type Directory = FileSystemDirectoryHandle & { keys(): AsyncIterableIterator<string> }

const checkpointsName = '.checkpoints'

/**
 * Artifacts in a page's private files: `opfsStore(await navigator.storage.getDirectory())`, or a folder of it. Folders cannot be renamed
 * there, so the files of an artifact are kept under their hashes, those of a new one beside those of the old; the manifest, which replaces
 * the old one in one step, is written last.
 */
export function opfsStore(root: FileSystemDirectoryHandle, name = root.name || 'page'): ArtifactStore {
  const folderAt = (folder: string) => ignoreMissing(root.getDirectoryHandle(folder))
  const checkpoints = () => folderAt(checkpointsName)

  async function put(folder: string, files: Files, manifest: Manifest, encoded: Uint8Array): Promise<void> {
    const directory = (await root.getDirectoryHandle(folder, { create: true })) as Directory
    const kept = new Set([MANIFEST])
    for (const [file, bytes] of Object.entries(files)) {
      const { sha256 } = manifest.files[file]!
      kept.add(sha256)
      await writeInPage(directory, sha256, [bytes])
    }
    await writeInPage(directory, MANIFEST, [encoded])
    for await (const each of directory.keys()) {
      if (!kept.has(each)) await directory.removeEntry(each, { recursive: true })
    }
  }

  const at = <T>(what: string, work: () => Promise<T>): Promise<T> => work().catch((error) => failInPage(`${name}/${what}`, error))
  return createStore({
    name,
    folders: () =>
      at('', async () => {
        const names: string[] = []
        for await (const each of (root as Directory).keys()) if (!each.startsWith('.') && (await folderAt(each))) names.push(each)
        return names
      }),
    manifest: (folder) =>
      at(folder, async () => {
        const found = await sourceOf(await folderAt(folder), MANIFEST)
        return found?.slice(0, found.byteLength)
      }),
    file: (folder, file, { sha256 }) => at(`${folder}/${file}`, async () => sourceOf(await folderAt(folder), sha256)),
    put: (folder, files, manifest, encoded) => at(folder, () => put(folder, files, manifest, encoded)),
    remove: (folder) => at(folder, async () => void (await ignoreMissing(root.removeEntry(folder, { recursive: true })))),
    checkpoint: (folder) => at(`${checkpointsName}/${folder}`, async () => sourceOf(await checkpoints(), folder)),
    putCheckpoint: (folder, parts) =>
      at(`${checkpointsName}/${folder}`, async () =>
        writeInPage(await root.getDirectoryHandle(checkpointsName, { create: true }), folder, parts),
      ),
    removeCheckpoint: (folder) =>
      at(`${checkpointsName}/${folder}`, async () => {
        const directory = await checkpoints()
        if (directory) await ignoreMissing(directory.removeEntry(folder))
      }),
  })
}

/**
 * Writes a file of a page whole or not at all: the browser writes into a file of its own and puts it in the place of the old one on
 * closing.
 */
export async function writeInPage(directory: FileSystemDirectoryHandle, name: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await directory.getFileHandle(name, { create: true })
  const file = await handle.createWritable()
  try {
    for (const part of parts) await file.write(part as Uint8Array<ArrayBuffer>)
  } catch (error) {
    await file.abort().catch(() => {})
    throw error
  }
  await file.close()
}

async function sourceOf(directory: FileSystemDirectoryHandle | undefined, name: string): Promise<ByteSource | undefined> {
  const handle = directory && (await ignoreMissing(directory.getFileHandle(name)))
  const file = await handle?.getFile()
  if (!file) return
  return { byteLength: file.size, slice: async (start, end) => new Uint8Array(await file.slice(start, end).arrayBuffer()) }
}

async function ignoreMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (!['NotFoundError', 'TypeMismatchError'].includes((error as DOMException).name)) throw error
  }
}

const reasons: { readonly [name: string]: string } = {
  QuotaExceededError: 'the space that the browser gives this page is used up; remove an earlier run, or free space on the disk',
  NotAllowedError: 'the browser does not let this page keep files; allow it, or use memoryStore()',
  NoModificationAllowedError: 'another tab or worker is writing it; close that one',
  NotFoundError: 'the folder has vanished during the run; start again',
}

/** Says in one line what an error of a page's files means. The error itself is the cause. */
export function failInPage(path: string, error: Error): never {
  throw new Error(`${path}: ${reasons[error.name] ?? error.message}`, { cause: error })
}
