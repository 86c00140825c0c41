import { SafetensorsError } from '../safetensors/index.js'
import type { NetworkStructure } from '../structure.js'
import { type Naming, tensorOf } from './naming.js'
import type { TensorFile } from './tensor-file.js'

/** What the shapes of a checkpoint do not tell. */
export interface StructureHints {
  /** H; default D / 64, as in DeiT and in ViT-Ti/S/B/L, for D up to 1024. Wider ones differ: ViT-H has 16 heads of 80. */
  readonly heads?: number
  /** Of the layer norms; default 1e-6. */
  readonly epsilon?: number
}

/** A structure as a checkpoint shows it: a bare encoder has no classes. */
export type CheckpointStructure = Omit<NetworkStructure, 'classes'> & { readonly classes: number | undefined }

/**
 * The structure of a ViT from the tensor shapes of its checkpoint.
 *
 * @throws SafetensorsError when the shapes are not a ViT's, naming the tensor
 */
export function inferStructure(file: TensorFile, naming: Naming, hints: StructureHints = {}): CheckpointStructure {
  const fail = (problem: string): never => {
    throw new SafetensorsError(`${file.name}: ${problem}`)
  }
  const has = (parameter: string) => file.tensors.has(tensorOf(naming, parameter))
  const shape = (parameter: string, rank: number): readonly number[] => {
    const tensor = tensorOf(naming, parameter)
    const found = file.tensors.get(tensor)?.shape ?? fail(`a ViT checkpoint in ${naming.title} naming must hold '${tensor}'; it does not`)
    if (found.length !== rank) fail(`'${tensor}' must have ${rank} dimensions; got [${found.join(', ')}]`)
    if (found.includes(0)) fail(`'${tensor}' must have no dimension of 0; got [${found.join(', ')}]`)
    return found
  }
  const [width, channels, patchSize] = shape('patch_embed.proj.weight', 4) as [number, number, number]
  const distillationToken = has('dist_token')
  const leading = distillationToken ? 2 : 1
  const tokens = shape('pos_embed', 3)[1]!
  const side = Math.sqrt(tokens - leading)
  if (!Number.isInteger(side) || side < 1) {
    fail(`'${tensorOf(naming, 'pos_embed')}' must hold ${leading} + a square number of positions; got ${tokens}`)
  }
  const heads = hints.heads ?? width / 64
  if (hints.heads === undefined && (!Number.isInteger(heads) || width > 1024)) {
    fail(
      `give the number of heads, { heads }: it is inferred, as D / 64, only where 64 divides D and D is at most 1024; got width ${width}`,
    )
  }
  const epsilon = hints.epsilon ?? 1e-6
  let depth = 0
  while (has(`blocks.${depth}.mlp.fc1.weight`)) depth++
  const blocks = Array.from({ length: depth }, (_, i) => {
    const [hidden] = shape(`blocks.${i}.mlp.fc1.weight`, 2) as [number]
    return { kind: 'transformer', config: { width, heads, mlpRatio: hidden / width, epsilon } }
  })
  return {
    geometry: { imageSize: side * patchSize, patchSize, channels },
    classes: has('head.weight') ? shape('head.weight', 2)[0] : undefined,
    epsilon,
    blocks,
    embeddingWidth: width,
    headWidth: width,
    ...(distillationToken && { distillationToken }),
    ...(has('head_dist.weight') && { distillationHead: true }),
  }
}
