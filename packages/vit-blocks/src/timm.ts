import { SafetensorsError, type SafetensorsFile } from './safetensors/index.js'
import type { NetworkStructure } from './structure.js'

export interface TimmOptions {
  /** H, which a checkpoint does not tell; default D / 64 as in all DeiT and most ViT models. */
  readonly heads?: number
  /** Of the layer norms, which a checkpoint does not tell; default 1e-6. */
  readonly epsilon?: number
}

/**
 * The structure of a plain ViT from the tensor shapes of its timm checkpoint.
 *
 * @throws SafetensorsError when the shapes are not a ViT's, naming the tensor
 */
export function inferTimmStructure(file: SafetensorsFile, options: TimmOptions = {}): NetworkStructure {
  const shape = (name: string, rank: number): readonly number[] => {
    const found = file.tensors.get(name)
    if (!found) throw new SafetensorsError(`${file.name}: a ViT checkpoint in timm's naming must hold '${name}'; it does not`)
    if (found.shape.length !== rank) {
      throw new SafetensorsError(`${file.name}: '${name}' must have ${rank} dimensions; got [${found.shape.join(', ')}]`)
    }
    return found.shape
  }
  const [width, channels, patchSize] = shape('patch_embed.proj.weight', 4) as [number, number, number]
  const tokens = shape('pos_embed', 3)[1]!
  const side = Math.sqrt(tokens - 1)
  if (!Number.isInteger(side)) {
    throw new SafetensorsError(`${file.name}: 'pos_embed' must hold 1 + a square number of positions; got ${tokens}`)
  }
  const heads = options.heads ?? width / 64
  if (!Number.isInteger(heads)) {
    throw new SafetensorsError(
      `${file.name}: give the number of heads, { heads }: the width ${width} is no multiple of 64 to infer it from`,
    )
  }
  const epsilon = options.epsilon ?? 1e-6
  let depth = 0
  while (file.tensors.has(`blocks.${depth}.mlp.fc1.weight`)) depth++
  const blocks = Array.from({ length: depth }, (_, i) => {
    const [hidden] = shape(`blocks.${i}.mlp.fc1.weight`, 2) as [number]
    return { kind: 'transformer', config: { width, heads, mlpRatio: hidden / width, epsilon } }
  })
  return {
    geometry: { imageSize: side * patchSize, patchSize, channels },
    classes: shape('head.weight', 2)[0]!,
    epsilon,
    blocks,
    embeddingWidth: width,
    headWidth: width,
  }
}
