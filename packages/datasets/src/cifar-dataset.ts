import type { Dataset } from '@learngene/interfaces'
import { arrayDataset } from './array-dataset.js'

/** Which labels a file has, and which of them count: those of CIFAR-10, the 100 of CIFAR-100, or its 20 superclasses. */
export type CifarKind = 'cifar10' | 'cifar100' | 'cifar100-coarse'

export interface CifarDatasetOptions {
  readonly name: string
  /** The contents of one or more files of the "binary version", which are joined. */
  readonly files: readonly Uint8Array[]
  readonly kind: CifarKind
  readonly classes: readonly string[]
}

const side = 32
const plane = side * side

/** Bytes of a record before its pixels, and which of them is the label. */
const layouts: { readonly [kind in CifarKind]: { readonly header: number; readonly label: number } } = {
  cifar10: { header: 1, label: 0 },
  cifar100: { header: 2, label: 1 },
  'cifar100-coarse': { header: 2, label: 0 },
}

/**
 * Colour images of 32 x 32 from the binary files of CIFAR-10 or CIFAR-100: records of 1 or 2 labels and the red, the green and the blue plane.
 * Throws when a file is not whole records or a label is not below the number of classes. Source: cs.toronto.edu/~kriz/cifar.html.
 */
export const cifarDataset = ({ name, files, kind, classes }: CifarDatasetOptions): Dataset => {
  const layout = layouts[kind]
  if (!layout) throw new Error(`${name}: kind must be one of ${Object.keys(layouts).join(', ')}, got ${kind}`)
  const size = layout.header + 3 * plane
  const counts = files.map(({ length }, i) => {
    if (length === 0 || length % size !== 0)
      throw new Error(
        `${name}: a file of ${kind} holds records of ${size} bytes, got ${length} bytes in file ${i}; is it cut short, or of the other CIFAR?`,
      )
    return length / size
  })
  const count = counts.reduce((sum, each) => sum + each, 0)
  const [pixels, labels] = [new Uint8Array(count * 3 * plane), new Uint8Array(count)]
  let image = 0
  for (const [i, file] of files.entries()) {
    for (let record = 0; record < counts[i]!; record++, image++) {
      const start = record * size
      labels[image] = file[start + layout.label]!
      for (let c = 0; c < 3; c++) {
        const from = start + layout.header + c * plane
        for (let p = 0, to = image * 3 * plane + c; p < plane; p++, to += 3) pixels[to] = file[from + p]!
      }
    }
  }
  return arrayDataset({ name, imageShape: [side, side, 3], classes, pixels, labels })
}
