import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ByteSource } from '@learngene/interfaces'
import { commitFolder, discardFolder, fileSource, stageFolder } from '@learngene/vit-blocks/node'
import { failOnDisk, ignoreMissing } from './disk-errors.js'
import { folderOf, MANIFEST } from './manifest.js'
import { shareName, shareOfName } from './plan.js'
import { type ArtifactStore, createStore, type Files, type Shelf, type StageKeys } from './store.js'

/**
 * Artifacts as folders of `dir`, which the first write makes: `dir/tier-w192/artifact.json` and the files beside it. A folder is written
 * beside its place, brought to the disk (fsync) and renamed; a checkpoint likewise, as a file of `dir/.checkpoints`.
 *
 * Its methods reject with one line where the disk is full, permission is missing, or the folder has vanished.
 *
 * @param keys where the folder holds artifacts of several recipes: those of this one, by stage; the folder of each artifact is named after its
 *   key too, so that what two recipes share is there once
 */
export function diskStore(dir: string, keys?: StageKeys): ArtifactStore {
  const checkpoints = join(dir, '.checkpoints')
  let seen = false

  /** Makes the folder the first time; where it is gone later, somebody has removed the run, and it must not come back with a part of it. */
  async function requireFolder(): Promise<void> {
    const there = await exists(dir)
    if (seen && !there) throw new Error('the folder has vanished during the run; start again')
    if (!there) await mkdir(dir, { recursive: true })
    seen = true
  }

  async function put(folder: string, files: Files, encoded: Uint8Array): Promise<void> {
    await requireFolder()
    const staged = await stageFolder(join(dir, folder))
    try {
      const folders = new Set([staged.path])
      for (const [name, bytes] of Object.entries(files)) {
        const path = join(staged.path, name)
        for (let parent = dirname(path); parent !== staged.path; parent = dirname(parent)) folders.add(parent)
        await mkdir(dirname(path), { recursive: true })
        await writeThrough(path, [bytes])
      }
      await writeThrough(join(staged.path, MANIFEST), [encoded])
      for (const each of folders) await syncFolder(each)
      await commitFolder(staged)
      await syncFolder(dir)
    } finally {
      await discardFolder(staged)
    }
  }

  async function putCheckpoint(folder: string, parts: readonly Uint8Array[]): Promise<void> {
    await requireFolder()
    await mkdir(checkpoints, { recursive: true })
    const path = join(checkpoints, folder)
    const temporary = `${path}.new`
    try {
      await writeThrough(temporary, parts)
      await rename(temporary, path)
      await syncFolder(checkpoints)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }

  const at = <T>(what: string, work: () => Promise<T>): Promise<T> => work().catch((error) => failOnDisk(join(dir, what), error))
  const shelf: Shelf = {
    name: dir,
    folders: () =>
      at('', async () => {
        const entries = await readdir(dir, { withFileTypes: true }).catch(ignoreMissing)
        return (entries ?? []).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name)
      }),
    manifest: (folder) =>
      at(folder, async () => {
        seen ||= await exists(dir)
        return readFile(join(dir, folder, MANIFEST)).catch(ignoreMissing)
      }),
    file: (folder, name) => at(`${folder}/${name}`, () => sourceOf(join(dir, folder, name))),
    put: (folder, files, _, encoded) => at(folder, () => put(folder, files, encoded)),
    remove: (folder) => at(folder, () => rm(join(dir, folder), { recursive: true, force: true })),
    checkpoint: (folder) => at(`.checkpoints/${folder}`, () => sourceOf(join(checkpoints, folder))),
    putCheckpoint: (folder, parts) => at(`.checkpoints/${folder}`, () => putCheckpoint(folder, parts)),
    removeCheckpoint: (folder) =>
      at(`.checkpoints/${folder}`, async () => {
        for (const each of [folder, `${folder}.new`]) await rm(join(checkpoints, each), { force: true })
      }),
  }
  return createStore(keys ? keyed(shelf, keys) : shelf)
}

/** A shelf of the artifacts of one recipe among others. */
function keyed(shelf: Shelf, keys: StageKeys): Shelf {
  const places = new Map(Object.entries(keys).map(([stage, key]) => [folderOf(stage), `${folderOf(stage)}-${key.slice(0, 16)}`]))
  const at = (folder: string) => {
    const cut = shareOfName(folder)
    const place = places.get(cut?.stage ?? folder)
    if (place === undefined)
      throw new Error(`${shelf.name}: '${folder}' is no stage of this recipe; they are ${Object.keys(keys).join(', ')}`)
    return cut ? shareName(place, cut.share) : place
  }
  return {
    name: shelf.name,
    async folders() {
      const own = new Map([...places].map(([folder, place]) => [place, folder]))
      return (await shelf.folders()).flatMap((found) => {
        const cut = shareOfName(found)
        const folder = own.get(cut?.stage ?? found)
        return folder === undefined ? [] : [cut ? shareName(folder, cut.share) : folder]
      })
    },
    manifest: (folder) => shelf.manifest(at(folder)),
    file: (folder, name, entry) => shelf.file(at(folder), name, entry),
    put: (folder, ...rest) => shelf.put(at(folder), ...rest),
    remove: (folder) => shelf.remove(at(folder)),
    checkpoint: (folder) => shelf.checkpoint(at(folder)),
    putCheckpoint: (folder, parts) => shelf.putCheckpoint(at(folder), parts),
    removeCheckpoint: (folder) => shelf.removeCheckpoint(at(folder)),
  }
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(ignoreMissing)) !== undefined

const sourceOf = async (path: string): Promise<ByteSource | undefined> => ((await exists(path)) ? fileSource(path) : undefined)

/** Writes a new file and brings it to the disk. */
async function writeThrough(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (const part of parts) await file.writeFile(part)
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Brings a folder's names to the disk. Windows cannot, and some network file systems cannot: there a power cut may undo a rename, but not
 * tear it.
 */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined)
  try {
    await folder?.sync().catch(() => {})
  } finally {
    await folder?.close()
  }
}
