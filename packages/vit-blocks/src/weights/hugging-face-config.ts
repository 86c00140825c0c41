import type { JsonObject } from '@learngene/interfaces'
import type { ModelDetails } from '../model-metadata.js'
import type { NetworkStructure } from '../structure.js'
import { vitStructure } from '../vit.js'
import type { Normalisation } from './normalisation.js'

/** Contents of the JSON files beside Hugging Face's weights. */
export interface HuggingFaceConfig {
  /** `config.json` */
  readonly config: JsonObject
  /** `preprocessor_config.json`; undefined where the details hold no `normalisation`. */
  readonly preprocessor: JsonObject | undefined
}

/**
 * What transformers needs to know of a network saved with `{ naming: 'huggingface' }`.
 *
 * @param details `normalisation` and `classNames` are used
 * @throws Error when the blocks are not transformer blocks of one size, which transformers cannot hold
 */
export function huggingFaceConfig(structure: NetworkStructure, details: ModelDetails = {}): HuggingFaceConfig {
  const { geometry, classes, epsilon, blocks, embeddingWidth, distillationToken, distillationHead } = structure
  const { heads, mlpRatio } = (blocks[0]?.config ?? {}) as { readonly heads: number; readonly mlpRatio: number }
  const uniform = vitStructure({ ...geometry, width: embeddingWidth, depth: blocks.length, heads, classes, mlpRatio, epsilon })
  if (JSON.stringify(blocks) !== JSON.stringify(uniform.blocks)) {
    const kinds = [...new Set(blocks.map(({ kind, config }) => `${kind} of width ${config.width ?? '?'}`))].join(', ')
    throw new Error(`Hugging Face's ViT has transformer blocks of one size throughout; this network has ${kinds}: save it in timm's naming`)
  }
  const { classNames, normalisation } = details as { readonly classNames?: readonly string[]; readonly normalisation?: Normalisation }
  const names = classNames ?? Array.from({ length: classes }, (_, i) => `LABEL_${i}`)
  return {
    config: {
      architectures: [`${distillationToken ? 'DeiT' : 'ViT'}ForImageClassification${distillationHead ? 'WithTeacher' : ''}`],
      model_type: distillationToken ? 'deit' : 'vit',
      hidden_size: embeddingWidth,
      num_hidden_layers: blocks.length,
      num_attention_heads: heads,
      intermediate_size: Math.round(embeddingWidth * mlpRatio),
      hidden_act: 'gelu',
      layer_norm_eps: epsilon,
      qkv_bias: true,
      image_size: geometry.imageSize,
      patch_size: geometry.patchSize,
      num_channels: geometry.channels,
      id2label: Object.fromEntries(names.map((name, i) => [i, name])),
      label2id: Object.fromEntries(names.map((name, i) => [name, i])),
    },
    preprocessor: normalisation && {
      image_processor_type: 'ViTImageProcessor',
      do_resize: true,
      size: { height: geometry.imageSize, width: geometry.imageSize },
      resample: 3,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: normalisation.mean,
      image_std: normalisation.std,
    },
  }
}
