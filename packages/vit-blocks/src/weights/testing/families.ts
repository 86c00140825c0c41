import { readFile } from '@learngene/testing'
import { type Tensor4D, tensor4d, tidy, transpose } from '@tensorflow/tfjs-core'
import type { LoadOptions } from '../../model-file.js'
import { encodeSafetensors, type NamedFloatTensor, openSafetensors } from '../../safetensors/index.js'
import type { WeightFiles } from '../weight-files.js'
import { memoryFiles } from './memory-files.js'

/** A small model that `make-families-golden.py` made with the library of its family, and what that computes: what `make-config-mutations.py` changes. */
export interface FamilyModel {
  readonly name: string
  readonly tensors: readonly NamedFloatTensor[]
  /** Of the JSON file beside the weights. */
  readonly file: string
  readonly config: { readonly [key: string]: unknown }
  readonly options: LoadOptions
  /** What the classifiers read, image by image. */
  readonly pooled: Float32Array
  readonly logits: Float32Array | undefined
  images(): Tensor4D
}

const contents = await readFile(new URL('./families.safetensors', import.meta.url))

export async function readFamilies(): Promise<FamilyModel[]> {
  const file = await openSafetensors(contents, { name: 'families.safetensors' })
  const all = await Promise.all(
    [...file.tensors].map(async ([key, { shape }]) => {
      const [model, name] = key.split('|') as [string, string]
      return { model, tensor: { name, shape, data: await file.readFloat32(key) } }
    }),
  )
  return Object.keys(file.metadata).map((name) => {
    const own = all.filter(({ model }) => model === name).map(({ tensor }) => tensor)
    const taken = (key: string) => own.find((tensor) => tensor.name === key)
    const input = taken('in')!
    return {
      name,
      ...(JSON.parse(file.metadata[name]!) as Pick<FamilyModel, 'file' | 'config' | 'options'>),
      tensors: own.filter((tensor) => !['in', 'pooled', 'logits'].includes(tensor.name)),
      pooled: taken('pooled')!.data,
      logits: taken('logits')?.data,
      images: () => tidy(() => transpose(tensor4d(input.data, [...input.shape] as [number, number, number, number]), [0, 2, 3, 1])),
    }
  })
}

/** The model's files, with other statements or other tensors. */
export function filesOf(
  model: FamilyModel,
  changes: { readonly config?: object; readonly tensors?: readonly NamedFloatTensor[] } = {},
): WeightFiles {
  const { config = model.config, tensors = model.tensors } = changes
  const file = model.file === 'config.json' ? 'model.safetensors' : 'open_clip_model.safetensors'
  return memoryFiles({ [file]: encodeSafetensors(tensors), [model.file]: config }, { file })
}
