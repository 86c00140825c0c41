import { loadParameters } from '../model-file.js'
import { type Network, parametersOf } from '../network.js'
import { openReference } from '../safetensors/testing/reference.js'
import { createViT } from '../vit.js'
import { createRng } from './rng.js'

/** The ViT that PyTorch's numbers are of (timm-vit-golden.safetensors). */
export const goldenConfig = { imageSize: 32, patchSize: 8, channels: 3, width: 48, depth: 3, heads: 3, classes: 10 }

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
