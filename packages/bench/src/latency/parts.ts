import type { Json } from '@learngene/interfaces'
import type { Block } from '@learngene/interfaces/tensors'
import { type Network, requireArguments, sizeText, structureOf } from '@learngene/vit-blocks'
import type { Tensor, Tensor3D, Tensor4D } from '@tensorflow/tfjs-core'

/** A part of a network that is timed: its embedding, one of its blocks (stitches are blocks) or its head. */
export interface Part {
  /** Kind and size in words. Parts of one key take the same time, whatever their weights. */
  readonly key: string
  /** What it takes: images [B, height, width, channels] where 0, else tokens [B, N, width] of this width. */
  readonly inputWidth: number
  /** N */
  readonly tokens: number
  /** The embedding, block or head itself, by which two parts of one key are told apart. */
  readonly member: object
  forward(input: Tensor): Tensor
}

/** The parts of a network in the order in which they run: embedding, blocks, head. */
export function partsOf(network: Network): Part[] {
  requireArguments('partsOf', { network: ['network', network] })
  const { embedding, blocks, head } = network
  const { tokens } = embedding
  const structure = structureOf(network)
  const { geometry, embeddingNorm, pooling, normAfterPooling, attentionPool, distillationHead } = structure
  const { imageSize, patchSize, channels } = geometry
  const shape = `images ${sizeText(imageSize)} x ${channels} in patches of ${sizeText(patchSize)}`
  const own = compact({ kind: structure.embedding, projectedFrom: structure.projectedFrom })
  const options = compact({
    ...{ width: head.width, classes: head.classes, pooling, normAfterPooling, attentionPool, distillationHead },
    kind: structure.head,
  })
  return [
    {
      key: `embedding ${shape}, width ${embedding.width}, ${tokens} tokens${embeddingNorm ? ', normed' : ''}${own === '{}' ? '' : ` ${own}`}`,
      inputWidth: 0,
      tokens,
      member: embedding,
      forward: (images) => embedding.forward(images as Tensor4D),
    },
    ...blocks.map((block) => blockPart(block, tokens)),
    {
      key: `head ${options}, ${tokens} tokens`,
      inputWidth: head.width,
      tokens,
      member: head,
      forward: (x) => head.forward(x as Tensor3D),
    },
  ]
}

function blockPart(block: Block, tokens: number): Part {
  const { kind, config, inputWidth, outputWidth } = block
  return {
    key: `${kind} ${inputWidth} to ${outputWidth} ${canonical(config)}, ${tokens} tokens`,
    inputWidth,
    tokens,
    member: block,
    forward: (x) => block.forward(x as Tensor3D, {}),
  }
}

/** {@link canonical} of what is there. */
const compact = (value: object): string => canonical(JSON.parse(JSON.stringify(value)))

/** JSON with sorted keys. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value as { readonly [key: string]: Json }).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join()}}`
}
