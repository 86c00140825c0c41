import { readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Dataset } from '@learngene/interfaces'
import { readClassList } from './class-list.js'
import { eachInParallel } from './each-picture.js'
import { once, sha256, sha256OfJson, sha256OfNumbers } from './fingerprint.js'
import { type Folder, type FolderFault, imagesBelow, lineOf, readFolder, topFolder } from './images-below.js'
import { checkedIndex } from './indices.js'
import { listed } from './listed.js'
import { LOOK_ALIKES_HINT, tellApart } from './look-alikes.js'
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

/**
 * Reads a folder that holds one subfolder of images per class, files of a class at any depth, in the order of timm or torchvision. Files and folders whose
 * name begins with a dot, and files of other kinds, are passed over. Links count as what they lead to; one that leads to a folder which it lies in is refused.
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
 * All images of a folder, at any depth, without labels. Files and folders whose name begins with a dot, and files of other kinds, are passed over. Links count as what they
 * lead to; one that leads to a folder which it lies in is refused.
 *
 * @throws when the folder or one below it cannot be read, naming all of them, or it holds no image
 */
export const imageFiles = async (dir: string, options: DecodeOptions = {}): Promise<ImageFiles> => {
  const { paths, faults } = await findImages(dir)
  if (faults.length > 0) throw new Error(listed(faults.map(lineOf), '; '))
  return filesAt(dir, paths, options, [], [])
}

/**
 * The paths of all images of a folder, as {@link imageFiles} has them, and what keeps others from being found: folders that cannot be read, links that lead back up, or that
 * there is none.
 *
 * @throws where there is no such folder
 */
export const findImages = async (dir: string): Promise<{ readonly paths: readonly string[]; readonly faults: readonly FolderFault[] }> => {
  const { images, faults } = await imagesBelow(await topFolder(dir))
  if (images.length === 0 && faults.length === 0) return { paths: [], faults: [{ path: dir, reason: noImage }] }
  return { paths: images.map(({ folder, name }) => join(folder, name)).sort(comparing('natural')), faults }
}

const noImage = 'there must be at least 1 image (JPEG, PNG, WebP, GIF, AVIF or TIFF), found none'

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
      files[i] = [relative(dir, paths[i]!).replaceAll(sep, '/'), await hashOf(paths[i]!)]
    })
    return sha256OfJson([files, await sha256OfNumbers(labels), classes, options.exifOrientation ?? true])
  }),
})

/** Of a file that cannot be read, why: it is a picture that others do not wait for, and another one once it can be read. */
const hashOf = (path: string): Promise<string> =>
  readFile(path).then(sha256, ({ code, message }: NodeJS.ErrnoException) => `cannot be read (${code ?? message})`)

const rule =
  'every class must have a subfolder with at least 1 image (JPEG, PNG, WebP, GIF, AVIF or TIFF), and every subfolder must be a class'

/** The subfolders by their names in order. */
const subfolders = async (dir: string, { order = 'natural' }: ImageFolderOptions): Promise<ReadonlyMap<string, Folder>> => {
  const compare = comparing(order)
  const { folders, faults } = await readFolder(await topFolder(dir))
  if (faults.length > 0) throw new Error(listed(faults.map(lineOf), '; '))
  if (folders.size === 0) throw new Error(`${dir}: an image folder must hold one subfolder per class, found none`)
  if (folders.size > 2 ** 16) throw new Error(`${dir}: an image folder may hold at most ${2 ** 16} classes, found ${folders.size}`)
  return new Map([...folders].sort(([a], [b]) => compare(a, b)))
}

const classesOf = async (dir: string, options: ImageFolderOptions): Promise<readonly string[]> => [
  ...(await subfolders(dir, options)).keys(),
]

/** The images of the listed classes, and what is wrong with the subfolders. */
const readClasses = async (
  dir: string,
  classes: readonly string[],
  options: ImageFolderOptions,
): Promise<{ readonly folder: ImageFiles; readonly faults: readonly string[] }> => {
  const { order = 'natural' } = options
  const compare = comparing(order)
  const found = await subfolders(dir, options)
  const known = new Set(classes)
  const below = await Promise.all(
    classes.map((name) => {
      const folder = found.get(name)
      return folder ? imagesBelow(folder) : { images: [], faults: [] }
    }),
  )
  const { lacking, unknown, lookAlikes } = tellApart(
    classes.filter((name) => !found.has(name)),
    [...found.keys()].filter((name) => !known.has(name)),
  )
  const faults = Object.entries({
    'no subfolder': lacking,
    'no images': classes.filter((name, i) => found.has(name) && below[i]!.images.length + below[i]!.faults.length === 0),
    'not in the list of classes': unknown,
    [`in another Unicode normalisation than in the list of classes (${LOOK_ALIKES_HINT})`]: lookAlikes,
    'not readable': below.flatMap(({ faults }) => faults.map(lineOf)),
  })
  // torchvision sorts by folder first, timm by the whole path.
  const sorted = below.map(({ images }) =>
    [...images]
      .sort((a, b) => (order === 'natural' ? 0 : compare(a.folder, b.folder)) || compare(join(a.folder, a.name), join(b.folder, b.name)))
      .map(({ folder, name }) => join(folder, name)),
  )
  const labels = Uint16Array.from(sorted.flatMap((paths, label) => paths.map(() => label)))
  return {
    folder: filesAt(dir, sorted.flat(), options, classes, labels),
    faults: faults.filter(([, names]) => names.length > 0).map(([fault, names]) => `${fault}: ${listed(names)}`),
  }
}
