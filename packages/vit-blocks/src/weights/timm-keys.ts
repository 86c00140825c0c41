import type { Json } from '@learngene/interfaces'
import { describe } from '../safetensors/errors.js'
import { SafetensorsError } from '../safetensors/index.js'
import {
  activation,
  all,
  beginReading,
  epsilon,
  flag,
  harmless,
  heads,
  image,
  only,
  orNull,
  patch,
  pooling,
  type Rule,
  type Rules,
  ratio,
  readStatements,
  type Stated,
  size,
} from './config-rules.js'
import type { ConfigHints } from './infer-structure.js'
import { type JsonMap, objectIn } from './weight-files.js'

const named = pooling({ token: 'token', avg: 'average', map: 'attention' })

/** No pooling at all is a matter of the caller's where there is no classifier. */
const globalPool: Rule = (value, key, reading) => {
  if (value === '') reading.claims.push({ key, value, of: 'classes', means: 0 })
  else named(value, key, reading)
}

/** LayerScale starts at a value, or is not there. */
const initValues: Rule = (value, key, reading) => {
  reading.claims.push({ key, value, of: 'layerScale', means: value !== null && value !== 0 && value !== false })
}

/** timm's layer norms by name have an epsilon of 1e-6. */
const layerNorm: Rule = (value, key, reading) => {
  only('layernorm')(value, key, reading)
  epsilon(1e-6, key, reading)
}

/** Arguments of timm's VisionTransformer. */
const args: Rules = {
  img_size: orNull(image),
  patch_size: orNull(patch),
  in_chans: size('channels'),
  num_classes: size('classes', 0),
  global_pool: globalPool,
  embed_dim: size('width'),
  depth: size('depth'),
  num_heads: heads,
  mlp_ratio: ratio,
  qkv_bias: flag('qkvBias'),
  proj_bias: flag('projectionBias'),
  init_values: initValues,
  class_token: flag('classToken'),
  no_embed_class: flag('patchPositionsOnly'),
  reg_tokens: size('registers', 0),
  pre_norm: flag('embeddingNorm'),
  fc_norm: orNull(flag('normAfterPooling')),
  act_layer: orNull(activation({ gelu: 'gelu', gelu_tanh: 'geluTanh', quick_gelu: 'quickGelu' })),
  norm_layer: orNull(layerNorm),
  pos_embed: only('learn'),
  final_norm: only(true),
  ...all(only(false), 'qk_norm scale_attn_norm scale_mlp_norm pool_include_prefix dynamic_img_pad'),
  ...all(only(null), 'embed_norm_layer'),
  ...all(
    harmless,
    'dynamic_img_size drop_rate pos_drop_rate patch_drop_rate proj_drop_rate attn_drop_rate drop_path_rate weight_init fix_init strict_img_size',
  ),
}

/** Of the file itself; its preprocessing and its class names are read elsewhere. */
const top: Rules = {
  // TimmWrapperModel of transformers leaves the classifier out and states its classes.
  num_classes: (value, key, reading) =>
    size([reading.config.architectures].flat().includes('TimmWrapperModel') ? 'classesIfAny' : 'classes', 0)(value, key, reading),
  num_features: size('width'),
  global_pool: globalPool,
  model_type: only('timm_wrapper'),
  ...all(
    harmless,
    `architecture architectures pretrained_cfg model_args label_names label_descriptions do_pooling initializer_range dtype torch_dtype transformers_version id2label
    label2id problem_type _name_or_path return_dict output_attentions output_hidden_states chunk_size_feed_forward is_encoder_decoder
    tag custom_load input_size test_input_size fixed_input_size min_input_size interpolation test_interpolation crop_pct test_crop_pct crop_mode mean std pool_size
    first_conv classifier license source paper_ids paper_name origin_url notes url file hf_hub_id hf_hub_filename description`,
  ),
}

/**
 * Reads what timm's `config.json` states about the network: its arguments, and what the name of its architecture says.
 *
 * @param ignored keys that the caller knows not to change the outputs
 * @throws SafetensorsError when it states a value that cannot be run here, or has a key that is not understood
 */
export function readTimmKeys(config: JsonMap, name: string, ignored: readonly string[] = []): Stated {
  const object = (key: string): JsonMap =>
    config[key] === undefined || config[key] === null ? {} : objectIn(config[key], `${name}: ${key}`)
  const reading = beginReading(name, config)
  const [given, pretrained] = [object('model_args'), config.pretrained_cfg === undefined ? config : object('pretrained_cfg')]
  const architecture = readArchitecture(config.architecture, name)
  readStatements(reading, given, args, ignored)
  const { global_pool: globalPooling, input_size: inputSize } = pretrained
  if (globalPooling !== undefined && pretrained !== config) globalPool(globalPooling, 'pretrained_cfg.global_pool', reading)
  if (inputSize !== undefined && inputSize !== null) inputSizeIn(inputSize, given, reading)
  // What the file states beside its arguments must be what timm makes of these.
  reading.hints = { ...architecture.hints, ...reading.hints }
  readStatements(reading, config, top, ignored)
  const { pooling } = reading.hints
  const shown = {
    ...(pooling !== undefined && { attentionPool: pooling === 'attention' }),
    ...architecture.claims,
    ...(given.pre_norm !== undefined && { embeddingNorm: undefined }),
    ...(given.no_embed_class !== undefined && { patchPositionsOnly: undefined }),
  }
  for (const [of, means] of Object.entries(shown) as [keyof typeof shown, boolean | undefined][]) {
    if (means !== undefined) reading.claims.push({ key: 'architecture', value: config.architecture!, of, means })
  }
  return { hints: reading.hints, claims: reading.claims, notes: [...architecture.notes, ...reading.notes] }
}

/** Channels, height and width of images, unless the arguments state others. */
const inputSizeIn = (value: Json, given: JsonMap, reading: ReturnType<typeof beginReading>): void => {
  if (!Array.isArray(value) || value.length !== 3) {
    throw new SafetensorsError(`${reading.name}: input_size must be channels, height and width, found ${describe(value)}`)
  }
  const [channels, ...sides] = value
  if (given.in_chans === undefined) size('channels')(channels!, 'input_size', reading)
  if (given.img_size === undefined || given.img_size === null) image(sides, 'input_size', reading)
}

/** Words in the names of timm's plain Vision Transformers. */
const known =
  /^(vit2?|deit3?|flexivit|beit3|eva|test|tiny|wee|xsmall|small|little|mediumd?|betwixt|base|large|huge|giant|giantopt|gigantic|so150m2?|so400m|patch\d+|\d+|36x1|clip|quickgelu|plus|siglip|gap|map|dinov2|reg\d|distilled|tipsv2|miil|in21k|in22k|dino|mae|augreg)$/

/** Words in the names of those whose tensors look like a plain one's and that compute something else. */
const different: { readonly [word: string]: string } = {
  rpn: 'its layer norms follow attention and MLP',
  rope: 'it rotates queries and keys by their positions',
  pe: 'it rotates queries and keys by their positions',
  dinov3: 'it rotates queries and keys by their positions',
  relpos: 'its positions are relative',
  vit3: 'it averages the prefix tokens too',
}

/** SigLIP's of timm with the tanh form of GELU; the others have the exact one. */
const tanhSiglip = /^vit_(base_patch32|giantopt_patch16|so400m_patch16)_siglip|^vit_large_patch16_siglip(_gap)?_512$/

/** What the name of an architecture tells. */
interface Architecture {
  readonly hints: ConfigHints
  /** What the tensors must show. */
  readonly claims: { readonly embeddingNorm?: boolean; readonly patchPositionsOnly?: boolean }
  readonly notes: readonly string[]
}

/**
 * What the name of one of timm's architectures (1.0.29) tells: heads of width 64 but in a few, GELU but in a few, layer norms of 1e-6 but in CLIP's, pooling.
 *
 * @throws SafetensorsError when it is that of an architecture that cannot be run here and whose tensors would not show it
 */
export function readArchitecture(value: Json | undefined, name: string): Architecture {
  if (value === undefined) return { hints: {}, claims: {}, notes: [] }
  if (typeof value !== 'string') throw new SafetensorsError(`${name}: architecture must be a name, found ${describe(value)}`)
  const [architecture] = value.split('.') as [string]
  const words = architecture.split('_')
  for (const word of words) {
    if (!Object.hasOwn(different, word)) continue
    throw new SafetensorsError(`${name}: architecture must be a plain ViT, found '${value}': ${different[word]}, which cannot be run here`)
  }
  const strange = words.filter((word) => !known.test(word))
  if (strange.length > 0) {
    const note = `config.json states the architecture '${value}', which is not known here (${strange.join(', ')}): read as a plain ViT, whose layer norms precede attention and MLP`
    return { hints: {}, claims: {}, notes: [note] }
  }
  const is = (...some: readonly string[]) => some.some((word) => words.includes(word))
  if (words.length < 3 && !is('test', 'flexivit')) return { hints: {}, claims: {}, notes: [] }
  const wide =
    is('so400m', 'huge', 'giantopt', 'gigantic') || (is('giant') && !is('dinov2', 'tipsv2')) || architecture === 'vit_base_patch16_gap_224'
  const averages = is('gap', 'beit3', 'eva') || architecture === 'test_vit2'
  return {
    hints: {
      ...(is('test') ? { heads: 2 } : wide ? { heads: 16 } : { headWidth: 64 }),
      activation: is('quickgelu') ? 'quickGelu' : tanhSiglip.test(architecture) ? 'geluTanh' : 'gelu',
      epsilon: is('clip', 'beit3') ? 1e-5 : 1e-6,
      pooling: averages ? 'average' : is('siglip', 'map') ? 'attention' : 'token',
    },
    claims: {
      embeddingNorm: is('clip'),
      patchPositionsOnly: is('flexivit', 'deit3') || (/_reg\d/.test(architecture) && !/so150m/.test(architecture)),
    },
    notes: [],
  }
}
