import type { Json } from '@learngene/interfaces'
import { SafetensorsError } from '../safetensors/index.js'
import {
  activation,
  all,
  beginReading,
  epsilon,
  flag,
  harmless,
  heads,
  hint,
  image,
  only,
  patch,
  type Reading,
  type Rules,
  ratio,
  readStatements,
  type Stated,
  size,
} from './config-rules.js'
import type { ConfigHints } from './infer-structure.js'
import { type JsonMap, objectIn } from './weight-files.js'

/** A class of models of transformers. */
interface Family {
  /** What its configuration means where it leaves something out. */
  readonly defaults: ConfigHints
  readonly rules: Rules
  /** The classes that are run, and what each classifies by where that is not told by the tensors. */
  readonly classes: { readonly [name: string]: ConfigHints }
  /** The key that holds the configuration of the vision tower, where it is a part of the model's. */
  readonly tower?: string
}

/** Of transformers' activations those that run here. */
const activations = activation({
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_pytorch_tanh: 'geluTanh',
  gelu_new: 'geluTanh',
  gelu_fast: 'geluTanh',
  gelu_accurate: 'geluTanh',
  gelu_python_tanh: 'geluTanh',
  quick_gelu: 'quickGelu',
})

/** Keys of every configuration: how outputs are returned, how training and texts go, where the model comes from. */
const common: Rules = {
  ...all(
    harmless,
    `_name_or_path _commit_hash architectures attn_implementation _attn_implementation _attn_implementation_autoset _attn_implementation_internal dtype torch_dtype
    bad_words_ids begin_suppress_tokens bos_token_id chunk_size_feed_forward custom_pipelines decoder_start_token_id diversity_penalty do_sample early_stopping
    encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty finetuning_task forced_bos_token_id forced_eos_token_id id2label label2id
    length_penalty max_length min_length model_type no_repeat_ngram_size num_beam_groups num_beams num_return_sequences output_attentions output_hidden_states
    output_past output_scores pad_token_id prefix problem_type remove_invalid_values repetition_penalty return_dict return_dict_in_generate sep_token_id
    suppress_tokens task_specific_params temperature tf_legacy_loss tie_encoder_decoder tie_word_embeddings tokenizer_class top_k top_p torchscript
    transformers_version typical_p use_bfloat16 use_cache gradient_checkpointing initializer_range initializer_factor`,
  ),
  num_labels: size('classesIfAny'),
  is_decoder: only(false),
  is_encoder_decoder: only(false),
  add_cross_attention: only(false),
}

/** Keys of every vision tower. */
const tower: Rules = {
  ...common,
  hidden_size: size('width'),
  num_hidden_layers: size('depth'),
  num_attention_heads: heads,
  intermediate_size: size('hidden'),
  hidden_act: activations,
  layer_norm_eps: epsilon,
  image_size: image,
  patch_size: patch,
  num_channels: size('channels'),
  ...all(harmless, 'attention_dropout attention_probs_dropout_prob dropout hidden_dropout_prob drop_path_rate'),
}

const vit: Rules = { ...tower, qkv_bias: flag('qkvBias'), ...all(harmless, 'encoder_stride pooler_act pooler_output_size') }

const dinov2: Rules = {
  ...tower,
  qkv_bias: flag('qkvBias'),
  mlp_ratio: ratio,
  use_swiglu_ffn: only(false),
  ...all(
    harmless,
    'intermediate_size apply_layernorm layerscale_value out_features out_indices reshape_hidden_states stage_names use_mask_token encoder_stride',
  ),
}

const projecting: Rules = { ...tower, projection_dim: harmless }

/** Keys of a model of two towers beside the vision tower's own. */
const twoTowers: Rules = {
  ...common,
  ...all(harmless, 'logit_scale_init_value projection_dim text_config text_config_dict vision_config vision_config_dict'),
}

const clipDefaults: ConfigHints = { imageSize: 224, heads: 12, epsilon: 1e-5, activation: 'quickGelu' }
const siglipDefaults: ConfigHints = { imageSize: 224, heads: 12, epsilon: 1e-6, activation: 'geluTanh' }
const vitDefaults: ConfigHints = { imageSize: 224, heads: 12, epsilon: 1e-12, activation: 'gelu' }
const dinov2Defaults: ConfigHints = { imageSize: 224, heads: 12, epsilon: 1e-6, activation: 'gelu' }

const clip: Omit<Family, 'tower'> = {
  defaults: clipDefaults,
  rules: projecting,
  classes: { CLIPModel: {}, CLIPVisionModel: {}, CLIPVisionModelWithProjection: {} },
}
const siglip: Omit<Family, 'tower'> = {
  defaults: siglipDefaults,
  rules: { ...projecting, vision_use_head: flag('attentionPool') },
  classes: { SiglipModel: {}, SiglipVisionModel: {}, SiglipForImageClassification: { pooling: 'average' } },
}

/** By model type. Defaults are those of transformers 5.18. */
const families: { readonly [modelType: string]: Family } = {
  vit: { defaults: vitDefaults, rules: vit, classes: { ViTForImageClassification: {}, ViTModel: {}, ViTForMaskedImageModeling: {} } },
  deit: {
    defaults: vitDefaults,
    rules: vit,
    classes: { DeiTForImageClassification: {}, DeiTForImageClassificationWithTeacher: {}, DeiTModel: {}, DeiTForMaskedImageModeling: {} },
  },
  vit_mae: {
    defaults: vitDefaults,
    rules: {
      ...vit,
      ...all(
        harmless,
        'decoder_hidden_size decoder_intermediate_size decoder_num_attention_heads decoder_num_hidden_layers mask_ratio norm_pix_loss',
      ),
    },
    classes: { ViTMAEForPreTraining: {}, ViTMAEModel: {} },
  },
  vit_msn: { defaults: dinov2Defaults, rules: vit, classes: { ViTMSNModel: {}, ViTMSNForImageClassification: {} } },
  dinov2: {
    defaults: dinov2Defaults,
    rules: dinov2,
    classes: { Dinov2Model: {}, Dinov2Backbone: {}, Dinov2ForImageClassification: { pooling: 'tokenAverage' } },
  },
  dinov2_with_registers: {
    defaults: dinov2Defaults,
    rules: { ...dinov2, num_register_tokens: size('registers', 0) },
    classes: {
      Dinov2WithRegistersModel: {},
      Dinov2WithRegistersBackbone: {},
      Dinov2WithRegistersForImageClassification: { pooling: 'tokenAverage' },
    },
  },
  clip: { ...clip, tower: 'vision_config' },
  clip_vision_model: clip,
  siglip: { ...siglip, tower: 'vision_config' },
  siglip_vision_model: siglip,
}

/**
 * Reads what a `config.json` of transformers states about the network.
 *
 * @param ignored keys that the caller knows not to change the outputs
 * @throws SafetensorsError when it is of a model, or states a value, that cannot be run here, or has a key that is not understood
 */
export function readHuggingFaceKeys(config: JsonMap, name: string, ignored: readonly string[] = []): Stated & { readonly tower: JsonMap } {
  const reading = beginReading(name, config)
  only(...Object.keys(families))((config.model_type ?? undefined) as Json, 'model_type', reading)
  const family = families[config.model_type as string]!
  const inner = family.tower === undefined ? config : innerOf(config, family.tower, name)
  if (family.tower !== undefined) readStatements(reading, config, twoTowers, ignored)
  readStatements(reading, inner, family.rules, ignored)
  classOf(config.architectures, family, reading)
  return { hints: { ...family.defaults, ...reading.hints }, claims: reading.claims, notes: reading.notes, tower: inner }
}

/** The tower's configuration; an older form of it, where it is there too, takes precedence in transformers. */
function innerOf(config: JsonMap, key: string, name: string): JsonMap {
  const read = (key: string) => (config[key] === undefined || config[key] === null ? {} : objectIn(config[key], `${name}: ${key}`))
  return { ...read(key), ...read(`${key}_dict`) }
}

function classOf(value: Json | undefined, { classes }: Family, reading: Reading): void {
  if (value === undefined || value === null) return
  const names = Array.isArray(value) ? value : [value]
  for (const named of names) {
    if (typeof named !== 'string' || !Object.hasOwn(classes, named)) {
      const choice = Object.keys(classes).join(' or ')
      throw new SafetensorsError(
        `${reading.name}: architectures must be ${choice} for a ViT that can be run here, found ${JSON.stringify(named)}`,
      )
    }
    const { pooling } = classes[named]!
    if (pooling) hint(reading, 'architectures', 'pooling', pooling, named)
  }
}
