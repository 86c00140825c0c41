import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, sep } from 'node:path'

/** A folder on the way down, with the true paths of those that were entered on the way, its own last. */
export interface Folder {
  readonly path: string
  readonly way: readonly string[]
}

/** What keeps a folder, or the link to one, from being read. */
export interface FolderFault {
  readonly path: string
  readonly reason: string
}

/** Of a folder, hidden entries left out; links count as what they lead to. */
export interface FolderEntries {
  readonly files: readonly string[]
  readonly folders: ReadonlyMap<string, Folder>
  /** The folder itself where it cannot be read, and links from it that lead back up. */
  readonly faults: readonly FolderFault[]
}

/** Image files by the folder that they lie in. */
export interface ImagesBelow {
  readonly images: readonly { readonly folder: string; readonly name: string }[]
  readonly faults: readonly FolderFault[]
}

const extensions = /\.(jpe?g|png|webp|gif|avif|tiff?)$/i

const isHidden = (name: string): boolean => name.startsWith('.')

/** @throws one line where there is no such folder */
export const topFolder = async (path: string): Promise<Folder> => ({
  path,
  way: [
    await realpath(path).catch((error) => {
      throw new Error(lineOf({ path, reason: unreadable(error) }))
    }),
  ],
})

export const lineOf = ({ path, reason }: FolderFault): string => `${path}: ${reason}`

/** The images in a folder at any depth, and what of it cannot be read. Files and folders whose name begins with a dot, and files of other kinds, are passed over. */
export const imagesBelow = async (folder: Folder): Promise<ImagesBelow> => {
  const { files, folders, faults } = await readFolder(folder)
  const below = await Promise.all([...folders.values()].map(imagesBelow))
  const own = files.filter((name) => extensions.test(name)).map((name) => ({ folder: folder.path, name }))
  return {
    images: [...own, ...below.flatMap(({ images }) => images)],
    faults: [...faults, ...below.flatMap(({ faults }) => faults)],
  }
}

/**
 * What is in a folder. A link to a folder that was entered on the way, or to one that such a folder lies in, is a fault: its pictures would count again and again, under
 * other names and labels.
 */
export const readFolder = async (folder: Folder): Promise<FolderEntries> => {
  const dir = folder.path
  const files: string[] = []
  const folders = new Map<string, Folder>()
  const faults: FolderFault[] = []
  const entries = await readdir(dir, { withFileTypes: true }).catch((error) => {
    faults.push({ path: dir, reason: unreadable(error) })
    return []
  })
  const sort = async (entry: Dirent): Promise<void> => {
    const { name } = entry
    const path = join(dir, name)
    const isLink = entry.isSymbolicLink()
    if (!(isLink ? await leadsToFolder(path) : entry.isDirectory())) {
      files.push(name)
      return
    }
    const truePath = isLink ? await realpath(path) : join(folder.way.at(-1)!, name)
    if (isLink && folder.way.some((each) => isReachedFrom(truePath, each))) faults.push({ path, reason: leadsUp(truePath) })
    else folders.set(name, { path, way: [...folder.way, truePath] })
  }
  await Promise.all(entries.filter(({ name }) => !isHidden(name)).map(sort))
  return { files, folders, faults }
}

const unreadable = ({ code, message }: NodeJS.ErrnoException): string => `cannot be read as a folder (${code ?? message})`

const leadsUp = (truePath: string): string =>
  `a link must not lead to a folder that it lies in, whose pictures would count again and again; it leads to ${truePath}: remove it, or link to a folder beside it`

/** Whether a walk from a folder comes to another, or they are one. @param from true path @param to true path */
const isReachedFrom = (from: string, to: string): boolean => {
  const steps = relative(from, to)
  return !isAbsolute(steps) && !steps.split(sep).some(isHidden)
}

const leadsToFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
