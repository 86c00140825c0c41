import type { Parameters } from '@learngene/interfaces/tensors'
import { type Tensor, type Tensor4D, tensor4d, tidy, transpose } from '@tensorflow/tfjs-core'
import { loadParameters } from '../model-file.js'
import { type Network, parametersOf } from '../network.js'
import { openReference } from '../safetensors/testing/reference.js'
import { createViT } from '../vit.js'
import { createRng } from './rng.js'

/** The ViT that PyTorch's numbers are of (timm-vit-golden.safetensors). */
export const goldenConfig = { imageSize: 32, patchSize: 8, channels: 3, width: 48, depth: 3, heads: 3, classes: 10 }

/** One group of PyTorch's tensors by their names without the prefix. */
export async function goldenValues(group: 'param' | 'out' | 'grad' | 'adamw3'): Promise<Map<string, Float32Array>> {
  const file = await openReference('timm-vit-golden')
  const names = [...file.tensors.keys()].filter((name) => name.startsWith(`${group}/`))
  return new Map(await Promise.all(names.map(async (name) => [name.slice(group.length + 1), await file.readFloat32(name)] as const)))
}

export async function goldenNetwork(): Promise<Network> {
  const network = createViT(goldenConfig, createRng(0))
  const golden = await openReference('timm-vit-golden')
  const prefix = 'param/'
  const tensors = new Map(
    [...golden.tensors].filter(([name]) => name.startsWith(prefix)).map(([name, entry]) => [name.slice(prefix.length), entry]),
  )
  await loadParameters(parametersOf(network), { ...golden, tensors, readFloat32: (name) => golden.readFloat32(prefix + name) })
  return network
}

/** The images, brought from PyTorch's channels-first order to ours, and their labels. */
export async function goldenInput(): Promise<{ images: Tensor4D; labels: Int32Array }> {
  const golden = await openReference('timm-vit-golden')
  const { shape, data } = await golden.read('in/images')
  const images = tidy(() => transpose(tensor4d(data as Float32Array, shape as Tensor4D['shape']), [0, 2, 3, 1])) // [B, height, width, channels]
  return { images, labels: (await golden.read('in/labels')).data as Int32Array }
}

/** Values by name, without the key third of every bias of queries, keys and values: its gradient is zero but for rounding. */
export function withoutKeyBias(name: string, values: Float32Array): Float32Array {
  if (!name.endsWith('attn.qkv.bias')) return values
  const width = values.length / 3
  return Float32Array.from(values.filter((_, i) => i < width || i >= 2 * width))
}

export async function valuesOf(tensors: Parameters | { readonly [name: string]: Tensor }): Promise<Map<string, Float32Array>> {
  return new Map(
    await Promise.all(Object.entries(tensors).map(async ([name, value]) => [name, (await value.data()) as Float32Array] as const)),
  )
}
