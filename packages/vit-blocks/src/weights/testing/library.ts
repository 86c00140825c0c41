import { readFile } from '@learngene/testing'
import { type Tensor4D, tensor4d, tidy, transpose } from '@tensorflow/tfjs-core'
import type { LoadOptions } from '../../model-file.js'
import { encodeSafetensors, type NamedFloatTensor, openSafetensors } from '../../safetensors/index.js'
import type { WeightFiles } from '../weight-files.js'
import { memoryFiles } from './memory-files.js'

type JsonFiles = { readonly [file: string]: { readonly [key: string]: unknown } }

/** A small model that `make-library-golden.py` made with the library of its family, and what that computes. */
export interface LibraryModel {
  readonly name: string
  readonly tensors: readonly NamedFloatTensor[]
  /** Of the weights. */
  readonly file: string
  /** The JSON files beside the weights. */
  readonly json: JsonFiles
  readonly options: LoadOptions
  /** What the classifiers read, image by image. */
  readonly pooled: Float32Array
  readonly logits: Float32Array | undefined
  images(): Tensor4D
}

interface Line extends Pick<LibraryModel, 'name' | 'file' | 'json' | 'options'> {
  readonly tensors: { readonly [name: string]: readonly number[] }
  readonly input: readonly [number, number, number, number]
}

const lines = new TextDecoder().decode(await readFile(new URL('./library.jsonl', import.meta.url)))
const outputs = await readFile(new URL('./library.safetensors', import.meta.url))

export async function readLibraryModels(): Promise<LibraryModel[]> {
  const file = await openSafetensors(outputs, { name: 'library.safetensors' })
  const models = lines.trimEnd().split('\n')
  return Promise.all(
    models.map(async (line) => {
      const { tensors, input, ...model } = JSON.parse(line) as Line
      const { name } = model
      return {
        ...model,
        tensors: Object.entries(tensors).map(([tensor, shape]) => ({ name: tensor, shape, data: fill(name, tensor, shape) })),
        pooled: await file.readFloat32(`${name}|pooled`),
        logits: file.tensors.has(`${name}|logits`) ? await file.readFloat32(`${name}|logits`) : undefined,
        images: () => tidy(() => transpose(tensor4d(fill(name, 'in', input), [...input]), [0, 2, 3, 1])),
      }
    }),
  )
}

/** The values that `fill` of `make-library-golden.py` computes: a hash of each place. */
function fill(model: string, tensor: string, shape: readonly number[]): Float32Array {
  let seed = 2166136261
  for (const byte of new TextEncoder().encode(`${model}|${tensor}`)) seed = Math.imul(seed ^ byte, 16777619)
  const vector = shape.length < 2
  const scaled = (v: number) => {
    if (tensor === 'in') return 2 * v
    if (vector) return tensor.endsWith('weight') ? 1 + v / 2 : v / 2
    return v / 4
  }
  return Float32Array.from({ length: shape.reduce((size, side) => size * side, 1) }, (_, i) => {
    let x = (Math.imul(i, 0x9e3779b1) + seed) >>> 0
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
    return scaled(((x ^ (x >>> 15)) >>> 20) / 2048 - 1)
  })
}

/** The model's files, with other statements in its configuration or other tensors. */
export function filesOf(
  model: LibraryModel,
  changes: { readonly config?: object; readonly tensors?: readonly NamedFloatTensor[] } = {},
): WeightFiles {
  const { file, json } = model
  const { config = json['config.json'], tensors = model.tensors } = changes
  return memoryFiles({ [file]: encodeSafetensors(tensors), ...json, ...(config && { 'config.json': config }) }, { file })
}
