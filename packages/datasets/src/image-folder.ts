import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Dataset } from '@learngene/interfaces'
import { readClassList } from './class-list.js'
import { eachInParallel } from './each-picture.js'
import { once, sha256, sha256OfJson, sha256OfNumbers } from './fingerprint.js'
import { checkedIndex } from './indices.js'
import { listed } from './listed.js'
import { comparing, type NameOrder } from './name-order.js'
import { nodePool } from './off-thread/node-pool.js'
import type { DatasetElsewhere } from './off-thread/pool.js'
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
  const classes = options.classes === undefined ? await classesOf(dir, options) : await readClassList(options.classes)
  const { folder, faults } = await readClasses(dir, classes, options)
  if (faults.length > 0) throw new Error(`${dir}: ${rule}; ${faults.join('; ')}`)
  return folder
}

/**
 * Reads the folders of several splits, each as {@link imageFolder} does, with one list of classes: the listed ones, or those of the first.
 *
 * @param dirs folders by the names of the splits: `{ training, validation, test }`
 * @throws one line that tells all faults of all folders, with the names of the classes that are missing, empty or unknown
 */
export const imageFolders = async <Split extends string>(
  dirs: { readonly [split in Split]: string },
  options: ImageFolderOptions = {},
): Promise<{ readonly [split in Split]: ImageFiles }> => {
  const entries = Object.entries<string>(dirs)
  const [first] = entries
  if (!first)
    throw new Error('imageFolders needs at least 1 folder by the name of its split, as { training: DIR, validation: DIR }, got none')
  const faults: string[] = []
  const told = async <T>(split: string, work: Promise<T>): Promise<T | undefined> =>
    work.catch((error: Error) => {
      faults.push(`${split}: ${error.message}`)
      return undefined
    })
  const classes = options.classes === undefined ? await told(first[0], classesOf(first[1], options)) : await readClassList(options.classes)
  const folders: { [split: string]: ImageFiles } = {}
  for (const [split, dir] of entries) {
    if (!classes) {
      if (split !== first[0]) await told(split, classesOf(dir, options))
      continue
    }
    const read = await told(split, readClasses(dir, classes, options))
    if (!read) continue
    folders[split] = read.folder
    if (read.faults.length > 0) faults.push(`${split} (${dir}): ${read.faults.join(', ')}`)
  }
  if (faults.length > 0) throw new Error(`${rule}, in all splits; ${faults.join('; ')}`)
  return folders as { [split in Split]: ImageFiles }
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
): ImageFiles & DatasetElsewhere => ({
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
  elsewhere: {
    pool: nodePool,
    place: (index) => ({ path: paths[checkedIndex(dir, index, paths.length)]!, options: { exifOrientation: options.exifOrientation } }),
  },
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

const rule =
  'every class must have a subfolder with at least 1 image (JPEG, PNG, WebP, GIF, AVIF or TIFF), and every subfolder must be a class'

/** The names of the subfolders in order. */
const classesOf = async (dir: string, { order = 'natural' }: ImageFolderOptions): Promise<readonly string[]> => {
  const compare = comparing(order)
  const found = (await readFolder(dir)).filter(({ isFolder }) => isFolder).map(({ name }) => name)
  if (found.length === 0) throw new Error(`${dir}: an image folder must hold one subfolder per class, found none`)
  if (found.length > 2 ** 16) throw new Error(`${dir}: an image folder may hold at most ${2 ** 16} classes, found ${found.length}`)
  return found.sort(compare)
}

/** The images of the listed classes, and what is wrong with the subfolders. */
const readClasses = async (
  dir: string,
  classes: readonly string[],
  options: ImageFolderOptions,
): Promise<{ readonly folder: ImageFiles; readonly faults: readonly string[] }> => {
  const { order = 'natural' } = options
  const compare = comparing(order)
  const found = await classesOf(dir, options)
  const [present, known] = [new Set(found), new Set(classes)]
  const files = await Promise.all(classes.map((name) => (present.has(name) ? imagesBelow(join(dir, name)) : [])))
  const faults = Object.entries({
    'no subfolder': classes.filter((name) => !present.has(name)),
    'no images': classes.filter((name, i) => present.has(name) && files[i]!.length === 0),
    'not in the list of classes': found.filter((name) => !known.has(name)),
  })
  // torchvision sorts by folder first, timm by the whole path.
  const sorted = files.map((images) =>
    images
      .sort((a, b) => (order === 'natural' ? 0 : compare(a.folder, b.folder)) || compare(join(a.folder, a.name), join(b.folder, b.name)))
      .map(({ folder, name }) => join(folder, name)),
  )
  const labels = Uint16Array.from(sorted.flatMap((paths, label) => paths.map(() => label)))
  return {
    folder: filesAt(dir, sorted.flat(), options, classes, labels),
    faults: faults.filter(([, names]) => names.length > 0).map(([fault, names]) => `${fault}: ${listed(names)}`),
  }
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
