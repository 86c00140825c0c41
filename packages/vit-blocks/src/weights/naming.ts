import { describeList, describe as quote } from '../safetensors/describe.js'
import { SafetensorsError } from '../safetensors/index.js'
import type { TensorFile } from './tensor-file.js'

/** How a checkpoint names a network's parameters, which themselves have timm's names. */
export interface Naming {
  /** The convention in words, for messages. */
  readonly title: string
  /** The tensors that hold a parameter, stacked along their first dimension; undefined where the convention has no name for it. */
  tensorsOf(parameter: string): readonly string[] | undefined
  /** Tensors that the convention allows beside the parameters and that classification never runs, with the reason. */
  readonly unused: { readonly [tensor: string]: string }
}

/** timm's names: `blocks.3.attn.qkv.weight`, `dist_token`, `head_dist.weight`. */
export const timmNaming: Naming = { title: 'timm', tensorsOf: (parameter) => [parameter], unused: {} }

/** The parts of a Hugging Face model's names that depend on its class. */
export interface HuggingFaceStyle {
  /** `vit.` and `deit.` in models with a head, empty in bare encoders. */
  readonly prefix: 'vit.' | 'deit.' | ''
  /** Whether there are two heads, as in `DeiTForImageClassificationWithTeacher`. */
  readonly twoHeads: boolean
}

const embeddings = {
  cls_token: 'cls_token',
  dist_token: 'distillation_token',
  pos_embed: 'position_embeddings',
  'patch_embed.proj.weight': 'patch_embeddings.projection.weight',
  'patch_embed.proj.bias': 'patch_embeddings.projection.bias',
}

const blockParts = new Map([
  ['norm1', ['layernorm_before']],
  ['attn.qkv', ['attention.attention.query', 'attention.attention.key', 'attention.attention.value']],
  ['attn.proj', ['attention.output.dense']],
  ['norm2', ['layernorm_after']],
  ['mlp.fc1', ['intermediate.dense']],
  ['mlp.fc2', ['output.dense']],
])

/** Hugging Face's names: `vit.encoder.layer.3.attention.attention.query.weight`, `classifier.weight`. Queries, keys and values are tensors of their own. */
export function huggingFaceNaming({ prefix, twoHeads }: HuggingFaceStyle): Naming {
  const outside = new Map([
    ...Object.entries(embeddings).map(([parameter, name]) => [parameter, `${prefix}embeddings.${name}`] as const),
    ...both('norm', `${prefix}layernorm`),
    ...both('head', twoHeads ? 'cls_classifier' : 'classifier'),
    ...(twoHeads ? both('head_dist', 'distillation_classifier') : []),
  ])
  const tensorsOf = (parameter: string) => {
    const name = outside.get(parameter)
    if (name !== undefined) return [name]
    const [, block, part, kind] = /^blocks\.(\d+)\.(.+)\.(weight|bias)$/.exec(parameter) ?? []
    return blockParts.get(part!)?.map((inner) => `${prefix}encoder.layer.${block}.${inner}.${kind}`)
  }
  const pooler = 'the pooler, which classification does not use'
  return {
    title: 'Hugging Face',
    tensorsOf,
    unused: {
      [`${prefix}pooler.dense.weight`]: pooler,
      [`${prefix}pooler.dense.bias`]: pooler,
      [`${prefix}embeddings.mask_token`]: 'the mask token, which only pretraining uses',
    },
  }
}

function both(parameter: string, name: string): [string, string][] {
  return ['weight', 'bias'].map((kind) => [`${parameter}.${kind}`, `${name}.${kind}`])
}

/**
 * Recognises the naming of a checkpoint by its patch embedding.
 *
 * @throws SafetensorsError when it is no ViT's in timm's or Hugging Face's naming
 */
export function namingOf({ name, tensors }: TensorFile): Naming {
  const probe = 'patch_embed.proj.weight'
  if (tensors.has(probe)) return timmNaming
  for (const prefix of ['vit.', 'deit.', ''] as const) {
    const naming = huggingFaceNaming({ prefix, twoHeads: tensors.has('cls_classifier.weight') })
    if (tensors.has(naming.tensorsOf(probe)![0]!)) return naming
  }
  const hint = "'patch_embed.proj.weight' (timm) or '[vit.|deit.]embeddings.patch_embeddings.projection.weight' (Hugging Face)"
  throw new SafetensorsError(
    `${name}: a ViT checkpoint must hold ${hint}; it holds ${describeList([...tensors.keys()].map(quote)) || 'no tensors'}`,
  )
}

/** The tensor of the file that holds a parameter which no convention splits. */
export function tensorOf(naming: Naming, parameter: string): string {
  return naming.tensorsOf(parameter)?.[0] ?? parameter
}
