import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '@learngene/interfaces'
import { type IdxArray, readIdx } from './idx.js'
import { idxDataset } from './idx-dataset.js'

export interface FashionMnist {
  readonly train: Dataset
  readonly test: Dataset
}

const classes = ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot']

/**
 * Fashion-MNIST from a folder that holds its four IDX files under their published names, gzipped (`.gz`) or plain; plain wins where both are there.
 * Throws one line that names the file when one is missing, unreadable or damaged.
 */
export const loadFashionMnist = async (dir: string): Promise<FashionMnist> => {
  const part = async (prefix: string, name: string): Promise<Dataset> => {
    const images = await readPart(dir, `${prefix}-images-idx3-ubyte`)
    const labels = await readPart(dir, `${prefix}-labels-idx1-ubyte`)
    return idxDataset({ name: `Fashion-MNIST ${name}`, images, labels, classes })
  }
  return { train: await part('train', 'train'), test: await part('t10k', 'test') }
}

const readPart = async (dir: string, file: string): Promise<IdxArray> => {
  for (const name of [file, `${file}.gz`]) {
    const path = join(dir, name)
    const bytes = await readIfThere(path)
    if (bytes) return readIdx(bytes, { name: path })
  }
  throw new Error(
    `Fashion-MNIST: ${file}.gz (or ${file}) is missing in ${dir}; install the Debian package dataset-fashion-mnist and use /usr/share/datasets/fashion-mnist, or download the four files from https://github.com/zalandoresearch/fashion-mnist`,
  )
}

const readIfThere = async (path: string): Promise<Uint8Array | undefined> => {
  try {
    return await readFile(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Error(`Fashion-MNIST: cannot read ${path} (${message})`)
  }
}
