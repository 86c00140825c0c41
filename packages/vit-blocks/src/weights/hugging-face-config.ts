import type { JsonObject } from '@learngene/interfaces'
import type { Size } from '../geometry.js'
import type { ModelDetails, NetworkStructure } from '../structure.js'
import type { TransformerBlockConfig } from '../transformer-block.js'
import { vitStructure } from '../vit.js'
import { faultInClassNames, preprocessorConfig, statedPreprocessing } from './details.js'

/** Contents of the JSON files beside Hugging Face's weights. */
export interface HuggingFaceConfig {
  /** `config.json` */
  readonly config: JsonObject
  /** `preprocessor_config.json`; undefined where the details hold neither `preprocessing` nor `normalisation`. */
  readonly preprocessor: JsonObject | undefined
}

/**
 * What transformers needs to know of a network saved with `{ naming: 'huggingface' }`.
 *
 * @param details `preprocessing`, or else `normalisation`, and `classNames` are used
 * @throws Error when the blocks are not transformer blocks of one size, which transformers cannot hold, no image processor of transformers does the
 * preprocessing, or there is not one class name for each class
 */
export function huggingFaceConfig(structure: NetworkStructure, details: ModelDetails = {}): HuggingFaceConfig {
  const { geometry, classes, epsilon, blocks, embeddingWidth, distillationToken, distillationHead } = structure
  checkParts(structure)
  const { heads, mlpRatio, activation = 'gelu' } = (blocks[0]?.config ?? {}) as unknown as Required<TransformerBlockConfig>
  const uniform = vitStructure({ ...geometry, width: embeddingWidth, depth: blocks.length, heads, classes, mlpRatio, epsilon, activation })
  if (JSON.stringify(blocks) !== JSON.stringify(uniform.blocks)) {
    const kinds = [...new Set(blocks.map(({ kind, config }) => `${kind} of width ${config.width ?? '?'}`))].join(', ')
    throw new Error(`Hugging Face's ViT has transformer blocks of one size throughout; this network has ${kinds}: save it in timm's naming`)
  }
  return {
    config: {
      architectures: [
        `${distillationToken ? 'DeiT' : 'ViT'}${classes === 0 ? 'Model' : 'ForImageClassification'}${distillationHead ? 'WithTeacher' : ''}`,
      ],
      model_type: distillationToken ? 'deit' : 'vit',
      hidden_size: embeddingWidth,
      num_hidden_layers: blocks.length,
      num_attention_heads: heads,
      intermediate_size: Math.round(embeddingWidth * mlpRatio),
      hidden_act: { gelu: 'gelu', geluTanh: 'gelu_pytorch_tanh', quickGelu: 'quick_gelu' }[activation],
      layer_norm_eps: epsilon,
      qkv_bias: true,
      image_size: geometry.imageSize,
      patch_size: geometry.patchSize,
      num_channels: geometry.channels,
      ...huggingFaceLabels(classes, details),
    },
    preprocessor: huggingFacePreprocessor(geometry.imageSize, details),
  }
}

/**
 * Class names as `config.json` has them, `LABEL_0` and so on where the details have no `classNames`.
 *
 * @throws Error when there is not one name for each class
 */
export function huggingFaceLabels(
  classes: number,
  { classNames }: ModelDetails,
): { readonly id2label: JsonObject; readonly label2id: JsonObject } {
  const fault = faultInClassNames(classNames, classes)
  if (fault !== undefined) throw new Error(`details.classNames: ${fault}`)
  const names = (classNames as readonly string[] | undefined) ?? Array.from({ length: classes }, (_, i) => `LABEL_${i}`)
  return {
    id2label: Object.fromEntries(names.map((name, i) => [i, name])),
    label2id: Object.fromEntries(names.map((name, i) => [name, i])),
  }
}

/**
 * Contents of `preprocessor_config.json`.
 *
 * @param details `preprocessing`, or else `normalisation`, is used
 * @returns undefined where they hold neither
 * @throws Error when no image processor of transformers does the preprocessing
 */
export function huggingFacePreprocessor(imageSize: Size, details: ModelDetails): JsonObject | undefined {
  const preprocessing = statedPreprocessing(imageSize, details)
  return preprocessing && preprocessorConfig(preprocessing)
}

/** Parts that transformers' ViT and DeiT do not have. */
function checkParts(structure: NetworkStructure): void {
  const { classToken = true, registerTokens = 0, embeddingNorm = false, pooling = 'token', embedding, projectedFrom, head } = structure
  const parts = [
    embedding !== undefined && `the embedding '${embedding.kind}'`,
    projectedFrom !== undefined && 'a linear map behind its embedding',
    head !== undefined && `the head '${head.kind}'`,
    !classToken && 'no class token',
    registerTokens > 0 && 'register tokens',
    embeddingNorm && 'a layer norm in its embedding',
    pooling !== 'token' && `the pooling '${pooling}'`,
  ].filter((part) => part !== false)
  if (parts.length === 0) return
  throw new Error(
    `Hugging Face's ViT has a plain embedding and classifies by its class token; this network has ${parts.join(', ')}: save it in timm's naming`,
  )
}
