import {
  all,
  beginReading,
  flag,
  harmless,
  hint,
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
import { readArchitecture } from './timm-keys.js'
import { type JsonMap, objectIn } from './weight-files.js'

const headWidth: Rule = (value, key, reading) => {
  size('width')(value, key, { ...reading, claims: [] })
  hint(reading, key, 'headWidth', value as number, value)
}

const layerScale: Rule = (value, key, reading) => {
  reading.claims.push({ key, value, of: 'layerScale', means: value !== null && value !== 0 })
}

/** Of OpenCLIP's own tower. */
const tower: Rules = {
  width: size('width'),
  layers: size('depth'),
  head_width: headWidth,
  mlp_ratio: ratio,
  patch_size: patch,
  image_size: image,
  ls_init_value: layerScale,
  no_ln_pre: flag('embeddingNorm', true),
  pos_embed_type: only('learnable'),
  pool_type: pooling({ tok: 'token', avg: 'average' }),
  block_type: orNull(only('default')),
  ...all(only(false), 'attentional_pool final_ln_after_pool qk_norm scaled_cosine_attn scale_heads scale_attn_inner scale_attn scale_fc'),
  ...all(only(null), 'act_kwargs norm_kwargs'),
  ...all(harmless, 'patch_dropout attn_pooler_queries attn_pooler_heads output_tokens'),
}

const timmPool = pooling({ token: 'token', tok: 'token', avg: 'average', map: 'attention' })

/** Of a tower that timm builds. */
const timmTower: Rules = {
  image_size: image,
  timm_pool: (value, key, reading) => (value === '' ? undefined : timmPool(value, key, reading)),
  timm_model_name: harmless,
  ...all(harmless, 'timm_model_pretrained timm_proj timm_proj_bias timm_drop timm_drop_path patch_dropout output_tokens'),
}

const quickGelu: Rule = (value, key, reading) => {
  only(true, false)(value, key, reading)
  hint(reading, key, 'activation', value === true ? 'quickGelu' : 'gelu', value)
}

const model: Rules = {
  quick_gelu: quickGelu,
  ...all(
    harmless,
    'embed_dim vision_cfg text_cfg multimodal_cfg custom_text init_logit_scale init_logit_bias nonscalar_logit_scale output_dict cast_dtype tokenizer_mode',
  ),
}

/**
 * Reads what OpenCLIP's `open_clip_config.json` states about the vision tower.
 *
 * @param ignored keys that the caller knows not to change the outputs
 * @throws SafetensorsError when it states a value that cannot be run here, or has a key that is not understood
 */
export function readOpenClipKeys(config: JsonMap, name: string, ignored: readonly string[] = []): Stated {
  const models = objectIn(config.model_cfg, `${name}: model_cfg`)
  const vision = objectIn(models.vision_cfg, `${name}: model_cfg.vision_cfg`)
  const reading = beginReading(name, config)
  readStatements(reading, models, model, ignored)
  const byTimm = vision.timm_model_name !== undefined && vision.timm_model_name !== null
  readStatements(reading, vision, byTimm ? timmTower : tower, ignored)
  const { hints, notes } = byTimm
    ? readArchitecture(vision.timm_model_name, name)
    : { hints: { headWidth: 64, epsilon: 1e-5, activation: 'gelu' } as const, notes: [] }
  return { hints: { ...hints, ...reading.hints }, claims: reading.claims, notes: [...notes, ...reading.notes] }
}

/**
 * OpenCLIP's `preprocess_cfg` in timm's terms: the shortest edge is resized to the size and the middle cut out, or the image squashed.
 *
 * @throws SafetensorsError when a value is none that is applied here
 */
export function openClipPreprocessing(config: JsonMap, name: string): JsonMap {
  const { mean, std, interpolation, resize_mode: mode = 'shortest' } = config
  readStatements(beginReading(name, config), config, {
    resize_mode: only('shortest', 'squash'),
    mode: only('RGB'),
    ...all(harmless, 'mean std interpolation size fill_color'),
  })
  if (mean === undefined && std === undefined && interpolation === undefined) return {}
  return { mean, std, interpolation, crop_pct: 1, crop_mode: mode === 'squash' ? 'squash' : 'center' }
}
