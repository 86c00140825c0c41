import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Dataset } from '@learngene/interfaces'
import { comparing, type NameOrder, readClassList } from './class-list.js'
import { eachInParallel } from './each-picture.js'
import { once, sha256, sha256OfJson, sha256OfNumbers } from './fingerprint.js'
import { checkedIndex } from './indices.js'
import { type DecodeOptions, decodeImage } from './preprocess/decode-image.js'

/** Image files; nothing is decoded until it is asked for. */
export interface ImageFiles extends Dataset {
  /** Files, folder by folder, in order within each. */
  readonly paths: readonly string[]
}

export interface ImageFolderOptions extends DecodeOptions {
  /** Of the classes where none are listed, and of the files of each; default 'natural', as timm has it. A model of torchvision's classes needs 'codeUnits'. */
  readonly order?: NameOrder
  /** The classes in order: a list, such as another split's `classes` or a model's `classNames`, or the path of a file with one; see `readClassList`. */
  readonly classes?: readonly string[] | string
}

const extensions = /\.(jpe?g|png|webp|gif|avif|tiff?)$/i

/**
 * Reads a folder that holds one subfolder of images per class, files of a class at any depth, in the order of timm or torchvision. Files and folders whose
 * name begins with a dot, and files of other kinds, are passed over.
 *
 * @throws when the folder cannot be read, has no subfolders, its subfolders are not those of the listed classes, or classes have no images, naming all of them
 */
export const imageFolder = async (dir: string, options: ImageFolderOptions = {}): Promise<ImageFiles> => {
  const { order = 'natural', classes: listed } = options
  const compare = comparing(order)
  const found = (await readFolder(dir)).filter(({ isFolder }) => isFolder).map(({ name }) => name)
  if (found.length === 0) throw new Error(`${dir}: an image folder must hold one subfolder per class, found none`)
  const classes = listed === undefined ? found.sort(compare) : await readClassList(listed)
  if (classes.length > 2 ** 16) throw new Error(`${dir}: an image folder may hold at most ${2 ** 16} classes, found ${classes.length}`)
  const present = new Set(found)
  const files = await Promise.all(classes.map((name) => (present.has(name) ? imagesBelow(join(dir, name)) : [])))
  checkComplete(dir, {
    'no subfolder': classes.filter((name) => !present.has(name)),
    'no images': classes.filter((name, i) => present.has(name) && files[i]!.length === 0),
    'not in the list of classes': found.filter((name) => !classes.includes(name)),
  })
  // torchvision sorts by folder first, timm by the whole path.
  const sorted = files.map((images) =>
    images
      .sort((a, b) => (order === 'natural' ? 0 : compare(a.folder, b.folder)) || compare(join(a.folder, a.name), join(b.folder, b.name)))
      .map(({ folder, name }) => join(folder, name)),
  )
  const labels = Uint16Array.from(sorted.flatMap((paths, label) => paths.map(() => label)))
  return filesAt(dir, sorted.flat(), options, classes, labels)
}

/**
 * All images of a folder, at any depth, without labels. Files and folders whose name begins with a dot, and files of other kinds, are passed over.
 *
 * @throws when the folder cannot be read or holds no image
 */
export const imageFiles = async (dir: string, options: DecodeOptions = {}): Promise<ImageFiles> => {
  const compare = comparing('natural')
  const paths = (await imagesBelow(dir)).map(({ folder, name }) => join(folder, name)).sort(compare)
  if (paths.length === 0) throw new Error(`${dir}: there must be at least 1 image (JPEG, PNG, WebP, GIF, AVIF or TIFF), found none`)
  return filesAt(dir, paths, options, [], [])
}

const filesAt = (
  dir: string,
  paths: readonly string[],
  options: DecodeOptions,
  classes: readonly string[],
  labels: ArrayLike<number>,
): ImageFiles => ({
  name: dir,
  length: paths.length,
  classes,
  labels,
  paths,
  async picture(index, signal) {
    const path = paths[checkedIndex(dir, index, paths.length)]!
    signal?.throwIfAborted()
    return decodeImage(path, options)
  },
  nameOf: (index) => paths[checkedIndex(dir, index, paths.length)]!,
  fingerprint: once(async () => {
    const files: [path: string, hash: string][] = []
    await eachInParallel(paths.length, async (i) => {
      const bytes = await readFile(paths[i]!).catch((error: NodeJS.ErrnoException) => {
        throw new Error(`${paths[i]}: cannot be read (${error.code ?? error.message})`)
      })
      files[i] = [relative(dir, paths[i]!).replaceAll(sep, '/'), await sha256(bytes)]
    })
    return sha256OfJson([files, await sha256OfNumbers(labels), classes, options.exifOrientation ?? true])
  }),
})

/** @throws one line with all faults and the names of the classes that have them */
const checkComplete = (dir: string, faults: { readonly [fault: string]: readonly string[] }): void => {
  const found = Object.entries(faults).filter(([, names]) => names.length > 0)
  if (found.length === 0) return
  const list = (names: readonly string[]) => `${names.slice(0, 10).join(', ')}${names.length > 10 ? ` and ${names.length - 10} more` : ''}`
  throw new Error(
    `${dir}: every class must have a subfolder with at least 1 image (JPEG, PNG, WebP, GIF, AVIF or TIFF), and every subfolder must be a class; ${found
      .map(([fault, names]) => `${fault}: ${list(names)}`)
      .join('; ')}`,
  )
}

const imagesBelow = async (folder: string): Promise<{ readonly folder: string; readonly name: string }[]> => {
  const found = await Promise.all(
    (await readFolder(folder)).map(({ name, isFolder }) => {
      if (isFolder) return imagesBelow(join(folder, name))
      return extensions.test(name) ? [{ folder, name }] : []
    }),
  )
  return found.flat()
}

/** Entries, hidden ones left out; links count as what they lead to. */
const readFolder = async (dir: string): Promise<{ readonly name: string; readonly isFolder: boolean }[]> => {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${dir}: cannot be read as a folder (${error.code ?? error.message})`)
  })
  return Promise.all(
    entries
      .filter(({ name }) => !name.startsWith('.'))
      .map(async (entry) => ({
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
