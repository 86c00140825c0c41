import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '@learngene/interfaces'
import { type CifarKind, cifarDataset } from './cifar-dataset.js'

export interface Cifar {
  readonly train: Dataset
  readonly test: Dataset
}

export interface LoadCifarOptions {
  /** Of CIFAR-100: its 100 classes, the default, or its 20 superclasses. */
  readonly labels?: 'fine' | 'coarse'
}

/** Names of the files as they are published. */
const published = [
  {
    name: 'CIFAR-10',
    folder: 'cifar-10-batches-bin',
    train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
    test: 'test_batch.bin',
    classes: { fine: 'batches.meta.txt', coarse: undefined },
    kinds: { fine: 'cifar10', coarse: undefined },
  },
  {
    name: 'CIFAR-100',
    folder: 'cifar-100-binary',
    train: ['train.bin'],
    test: 'test.bin',
    classes: { fine: 'fine_label_names.txt', coarse: 'coarse_label_names.txt' },
    kinds: { fine: 'cifar100', coarse: 'cifar100-coarse' },
  },
] as const

/**
 * CIFAR-10 or CIFAR-100 from the folder of its "binary version", or from the folder in which it was unpacked. Takes 180 MB of memory.
 * Throws one line that names the file when one is missing, unreadable or damaged.
 */
export const loadCifar = async (dir: string, { labels = 'fine' }: LoadCifarOptions = {}): Promise<Cifar> => {
  for (const { name, folder, train, test, classes, kinds } of published) {
    for (const at of [dir, join(dir, folder)]) {
      if (!(await readIfThere(join(at, test)))) continue
      const kind: CifarKind | undefined = kinds[labels]
      if (!kind) throw new Error(`${at}: ${name} has the labels 'fine' only, got labels '${labels}'`)
      const names = new TextDecoder().decode(await read(join(at, classes[labels]!)))
      const part = async (split: string, files: readonly string[]) => {
        const contents = await Promise.all(files.map((file) => read(join(at, file))))
        return cifarDataset({ name: `${name} ${split} (${at})`, files: contents, kind, classes: names.trim().split(/\s*\n\s*/) })
      }
      return { train: await part('train', train), test: await part('test', [test]) }
    }
  }
  throw new Error(
    `${dir}: neither test_batch.bin of CIFAR-10 nor test.bin of CIFAR-100 is there; get the "binary version" from https://www.cs.toronto.edu/~kriz/cifar.html and unpack it`,
  )
}

const read = async (path: string): Promise<Uint8Array> => {
  const bytes = await readIfThere(path)
  if (!bytes)
    throw new Error(`${path}: is missing; get the "binary version" from https://www.cs.toronto.edu/~kriz/cifar.html and unpack it`)
  return bytes
}

const readIfThere = async (path: string): Promise<Uint8Array | undefined> => {
  try {
    return await readFile(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Error(`${path}: cannot be read (${message})`)
  }
}
