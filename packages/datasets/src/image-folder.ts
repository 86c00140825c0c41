import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checkedIndex } from './indices.js'
import { decodeImage } from './preprocess/decode-image.js'
import type { RawImage } from './preprocess/raw-image.js'

/** Image files; nothing is decoded until it is asked for. */
export interface ImageFiles {
  readonly length: number
  /** Files, folder by folder, sorted within each. */
  readonly paths: readonly string[]
  /** Decodes one file; throws as `decodeImage` does. */
  image(index: number): Promise<RawImage>
}

/** Image files with a label for each. */
export interface ImageFolder extends ImageFiles {
  /** Names of the subfolders, sorted; a label is an index into them. */
  readonly classes: readonly string[]
  /** One per path. */
  readonly labels: Uint16Array
}

const extensions = /\.(jpe?g|png|webp|gif|avif|tiff?)$/i

/**
 * Reads a folder that holds one subfolder of images per class, as torchvision's ImageFolder and timm do: classes in order of code units, files of a class at any
 * depth. Files and folders whose name begins with a dot, and files of other kinds, are passed over.
 *
 * @throws when the folder cannot be read, has no subfolders, or a class has no images, naming it
 */
export const imageFolder = async (dir: string): Promise<ImageFolder> => {
  const classes = (await readFolder(dir)).filter(({ isFolder }) => isFolder).map(({ name }) => name)
  if (classes.length === 0) throw new Error(`${dir}: an image folder must hold one subfolder per class, found none`)
  if (classes.length > 2 ** 16) throw new Error(`${dir}: an image folder may hold at most ${2 ** 16} classes, found ${classes.length}`)
  const files = await Promise.all(classes.map((name) => imagesBelow(join(dir, name))))
  const empty = files.findIndex((paths) => paths.length === 0)
  if (empty >= 0) {
    throw new Error(
      `${join(dir, classes[empty]!)}: every class must have at least 1 image (JPEG, PNG, WebP, GIF, AVIF or TIFF), found none`,
    )
  }
  return {
    ...filesAt(dir, files.flat()),
    classes,
    labels: Uint16Array.from(files.flatMap((paths, label) => paths.map(() => label))),
  }
}

/**
 * All images of a folder, at any depth, without labels. Files and folders whose name begins with a dot, and files of other kinds, are passed over.
 *
 * @throws when the folder cannot be read or holds no image
 */
export const imageFiles = async (dir: string): Promise<ImageFiles> => {
  const paths = await imagesBelow(dir)
  if (paths.length === 0) throw new Error(`${dir}: there must be at least 1 image (JPEG, PNG, WebP, GIF, AVIF or TIFF), found none`)
  return filesAt(dir, paths)
}

const filesAt = (dir: string, paths: readonly string[]): ImageFiles => ({
  length: paths.length,
  paths,
  image: async (index) => decodeImage(paths[checkedIndex(dir, index, paths.length)]!),
})

const imagesBelow = async (dir: string): Promise<string[]> => {
  const found = await Promise.all(
    (await readFolder(dir)).map(({ name, isFolder }) => {
      const path = join(dir, name)
      if (isFolder) return imagesBelow(path)
      return extensions.test(name) ? [path] : []
    }),
  )
  return found.flat()
}

/** Entries in order of code units, hidden ones left out; links count as what they lead to. */
const readFolder = async (dir: string): Promise<{ readonly name: string; readonly isFolder: boolean }[]> => {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${dir}: cannot be read as a folder (${error.code ?? error.message})`)
  })
  const shown = entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1))
  return Promise.all(
    shown.map(async (entry) => ({
      name: entry.name,
      isFolder: entry.isSymbolicLink() ? await leadsToFolder(join(dir, entry.name)) : entry.isDirectory(),
    })),
  )
}

const leadsToFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
