import type { Activation } from '@learngene/ops'
import type { Pooling } from '../head.js'

/**
 * A module or a tensor: the parameter by timm's name, then the tensors that, stacked along their first dimension, hold it. `#` stands for the number of a block;
 * a module stands for its weight and its bias.
 */
type Row = readonly [parameter: string, ...tensors: string[]]

/** A convention of naming tensors. Rows of the tower stand behind the prefix that the file shows, those outside beside it. */
export interface Convention {
  /** In words, for messages. */
  readonly title: string
  readonly tower: readonly Row[]
  readonly outside: readonly Row[]
  /** Prefixes of the tower that belong to the convention; any other is stripped with a note. */
  readonly prefixes: readonly string[]
  /** The tensor of the tower by which the convention is recognised. */
  readonly probe: string
  /** What a classifier reads, where the tensors do not tell. */
  readonly classifies?: Pooling
  /** What the models with these names have where nothing says otherwise. */
  usual(has: (parameter: string) => boolean): { readonly epsilon: number; readonly activation: Activation }
}

const plain = () => ({ epsilon: 1e-6, activation: 'gelu' }) as const

const ofBlocks = (rows: readonly Row[], prefix: string): Row[] =>
  rows.map(([parameter, ...tensors]) => [`blocks.#.${parameter}`, ...tensors.map((tensor) => prefix + tensor)])

/** timm's names: `blocks.3.attn.qkv.weight`, `dist_token`, `head_dist.weight`. */
export const timm: Convention = {
  title: 'timm',
  prefixes: ['', 'timm_model.', 'visual.trunk.'],
  probe: 'patch_embed.proj.weight',
  usual: (has) => ({ epsilon: has('norm_pre.weight') ? 1e-5 : 1e-6, activation: 'gelu' }),
  outside: [['head', 'head']],
  tower: [
    'cls_token',
    'dist_token',
    'reg_token',
    'pos_embed',
    'patch_embed.proj',
    'norm_pre',
    ...['norm1', 'attn.qkv', 'attn.proj', 'ls1.gamma', 'norm2', 'mlp.fc1', 'mlp.fc2', 'ls2.gamma'].map((part) => `blocks.#.${part}`),
    'norm',
    'fc_norm',
    'attn_pool.latent',
    ...['q', 'kv', 'proj', 'norm', 'mlp.fc1', 'mlp.fc2'].map((part) => `attn_pool.${part}`),
    'head',
    'head_dist',
  ].map((name) => [name, name] as const),
}

const embeddings: readonly Row[] = [
  ['cls_token', 'embeddings.cls_token'],
  ['dist_token', 'embeddings.distillation_token'],
  ['reg_token', 'embeddings.register_tokens'],
  ['pos_embed', 'embeddings.position_embeddings'],
  ['patch_embed.proj', 'embeddings.patch_embeddings.projection'],
  ['norm', 'layernorm'],
]
const perceptron: readonly Row[] = [
  ['mlp.fc1', 'mlp.fc1'],
  ['mlp.fc2', 'mlp.fc2'],
]
const layerNorms: readonly Row[] = [
  ['norm1', 'layernorm_before'],
  ['norm2', 'layernorm_after'],
]
const layerScale: readonly Row[] = [
  ['norm1', 'norm1'],
  ['ls1.gamma', 'layer_scale1.lambda1'],
  ['norm2', 'norm2'],
  ['ls2.gamma', 'layer_scale2.lambda1'],
]
/** Of transformers up to 4, and of all files that its later versions write. */
const stored: readonly Row[] = [
  ['attn.qkv', 'attention.attention.query', 'attention.attention.key', 'attention.attention.value'],
  ['attn.proj', 'attention.output.dense'],
]
/** Of transformers 5 in memory. */
const running: readonly Row[] = [
  ['attn.qkv', 'attention.q_proj', 'attention.k_proj', 'attention.v_proj'],
  ['attn.proj', 'attention.o_proj'],
]
const classifier: readonly Row[] = [['head', 'classifier']]
const classifiers: readonly Row[] = [
  ['head', 'cls_classifier'],
  ['head_dist', 'distillation_classifier'],
]
const huggingFace = {
  prefixes: ['vit.', 'deit.', 'dinov2.', 'dinov2_with_registers.', ''],
  probe: 'embeddings.patch_embeddings.projection.weight',
  usual: plain,
  outside: [...classifier, ...classifiers],
}

/** Hugging Face's names: `vit.encoder.layer.3.attention.attention.query.weight`, `classifier.weight`. Queries, keys and values are tensors of their own. */
const huggingFaceViT: Convention = {
  ...huggingFace,
  title: 'Hugging Face',
  tower: [
    ...embeddings,
    ...ofBlocks([...layerNorms, ...stored, ['mlp.fc1', 'intermediate.dense'], ['mlp.fc2', 'output.dense']], 'encoder.layer.#.'),
  ],
}

/** CLIP's and SigLIP's vision towers in transformers. */
export const huggingFaceClip: Convention = {
  title: "Hugging Face's CLIP",
  prefixes: ['vision_model.', ''],
  probe: 'embeddings.patch_embedding.weight',
  classifies: 'average',
  usual: (has) => (has('cls_token') ? { epsilon: 1e-5, activation: 'quickGelu' } : { epsilon: 1e-6, activation: 'geluTanh' }),
  outside: classifier,
  tower: [
    ['cls_token', 'embeddings.class_embedding'],
    ['pos_embed', 'embeddings.position_embedding.weight'],
    ['patch_embed.proj', 'embeddings.patch_embedding'],
    ['norm_pre', 'pre_layrnorm'],
    ...ofBlocks(
      [
        ['norm1', 'layer_norm1'],
        ['attn.qkv', 'self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
        ['attn.proj', 'self_attn.out_proj'],
        ['norm2', 'layer_norm2'],
        ...perceptron,
      ],
      'encoder.layers.#.',
    ),
    ['norm', 'post_layernorm'],
    ['attn_pool.latent', 'head.probe'],
    ['attn_pool.qkv.weight', 'head.attention.in_proj_weight'],
    ['attn_pool.qkv.bias', 'head.attention.in_proj_bias'],
    ['attn_pool.proj', 'head.attention.out_proj'],
    ['attn_pool.norm', 'head.layernorm'],
    ['attn_pool.mlp.fc1', 'head.mlp.fc1'],
    ['attn_pool.mlp.fc2', 'head.mlp.fc2'],
  ],
}

/** OpenAI's and OpenCLIP's: `visual.transformer.resblocks.3.attn.in_proj_weight`. */
const openClip: Convention = {
  title: 'OpenCLIP',
  prefixes: ['visual.', ''],
  probe: 'conv1.weight',
  usual: () => ({ epsilon: 1e-5, activation: 'gelu' }),
  outside: [],
  tower: [
    ['cls_token', 'class_embedding'],
    ['pos_embed', 'positional_embedding'],
    ['patch_embed.proj', 'conv1'],
    ['norm_pre', 'ln_pre'],
    ...ofBlocks(
      [
        ['norm1', 'ln_1'],
        ['attn.qkv.weight', 'attn.in_proj_weight'],
        ['attn.qkv.bias', 'attn.in_proj_bias'],
        ['attn.proj', 'attn.out_proj'],
        ['ls1.gamma', 'ls_1.gamma'],
        ['norm2', 'ln_2'],
        ['mlp.fc1', 'mlp.c_fc'],
        ['mlp.fc2', 'mlp.c_proj'],
        ['ls2.gamma', 'ls_2.gamma'],
      ],
      'transformer.resblocks.#.',
    ),
    ['norm', 'ln_post'],
  ],
}

/** All that are read. The first that explains most of a file's tensors is the file's. */
export const conventions: readonly Convention[] = [
  timm,
  huggingFaceViT,
  {
    ...huggingFace,
    title: 'Hugging Face (transformers 5)',
    tower: [...embeddings, ...ofBlocks([...layerNorms, ...running, ...perceptron], 'layers.#.')],
  },
  {
    ...huggingFace,
    title: "Hugging Face's DINOv2",
    tower: [...embeddings, ...ofBlocks([...layerScale, ...stored, ...perceptron], 'encoder.layer.#.')],
  },
  {
    ...huggingFace,
    title: "Hugging Face's DINOv2 (transformers 5)",
    tower: [...embeddings, ...ofBlocks([...layerScale, ...running, ...perceptron], 'encoder.layer.#.')],
  },
  {
    ...huggingFace,
    title: "Hugging Face's ViTMSN (transformers 5)",
    prefixes: [''],
    probe: `vit.${huggingFace.probe}`,
    tower: [
      ...embeddings.map(([parameter, tensor]): Row => [parameter, `vit.${tensor}`]),
      ...huggingFaceViT.tower.slice(embeddings.length),
    ],
  },
  huggingFaceClip,
  openClip,
]

/** Finds which parameter a tensor holds. */
export function parameterReader(rows: readonly Row[]): (tensor: string) => string | undefined {
  const patterns = rows.flatMap(([parameter, ...tensors]) => tensors.map((tensor) => [patternOf(tensor), parameter] as const))
  return (tensor) => {
    for (const [pattern, parameter] of patterns) {
      const name = renamed(tensor, pattern, parameter)
      if (name !== undefined) return name
    }
    return undefined
  }
}

/** Finds the tensors that, stacked along their first dimension, hold a parameter. */
export function parameterWriter(rows: readonly Row[]): (parameter: string) => readonly string[] | undefined {
  const patterns = rows.map(([parameter, ...tensors]) => [patternOf(parameter), tensors] as const)
  return (parameter) => {
    for (const [pattern, tensors] of patterns) {
      if (pattern.test(parameter)) return tensors.map((tensor) => renamed(parameter, pattern, tensor)!)
    }
    return undefined
  }
}

/** A name with the number of its block and `.weight` or `.bias`. */
function patternOf(stem: string): RegExp {
  const escaped = stem.replaceAll('.', '\\.').replace('#', '(?<block>\\d+)')
  return new RegExp(`^${escaped}(?<kind>\\.weight|\\.bias)?$`)
}

function renamed(name: string, pattern: RegExp, target: string): string | undefined {
  const found = pattern.exec(name)
  if (!found) return undefined
  const { block = '#', kind = '' } = found.groups ?? {}
  return target.replace('#', block) + kind
}

/** How a checkpoint is written. */
export interface Naming {
  readonly title: string
  /** The tensors that hold a parameter, stacked along their first dimension; undefined where the convention has no name for it. */
  tensorsOf(parameter: string): readonly string[] | undefined
}

/** The parts of a Hugging Face model's names that depend on its class. */
export interface HuggingFaceStyle {
  /** `vit.` and `deit.` in models with a head, empty in bare encoders. */
  readonly prefix: 'vit.' | 'deit.' | ''
  /** Whether there are two heads, as in `DeiTForImageClassificationWithTeacher`. */
  readonly twoHeads: boolean
}

export function huggingFaceNaming({ prefix, twoHeads }: HuggingFaceStyle): Naming {
  const tower = parameterWriter(huggingFaceViT.tower.filter(([parameter]) => parameter !== 'reg_token'))
  const outside = parameterWriter(twoHeads ? classifiers : classifier)
  return {
    title: huggingFaceViT.title,
    tensorsOf: (parameter) => outside(parameter) ?? tower(parameter)?.map((tensor) => prefix + tensor),
  }
}
