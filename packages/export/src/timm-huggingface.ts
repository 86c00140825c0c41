import type { Json, JsonObject, Preprocessing } from '@learngene/interfaces'
import {
  encodeSafetensors,
  type FloatDtype,
  gridOf,
  huggingFaceConfig,
  huggingFaceLabels,
  type ModelDetails,
  type NamedFloatTensor,
  type Network,
  type NetworkStructure,
  parametersOf,
  readParameters,
  requireArguments,
  requireKeys,
  saveModel,
  sidesOf,
  statedPreprocessing,
  structureOf,
  type TransformerBlockConfig,
} from '@learngene/vit-blocks'
import { jsonFile, type ModelFiles } from './files.js'

export interface SafetensorsOptions {
  /** `preprocessing`, or else `normalisation`, and `classNames`, as `loadModel` gives them. */
  readonly details?: ModelDetails
  /** Stored type; default F32. */
  readonly dtype?: FloatDtype
}

/**
 * A plain ViT as the files that transformers reads with `from_pretrained(folder)`: `model.safetensors`, `config.json`, and `preprocessor_config.json` where the details
 * say how images are normalised.
 *
 * @throws Error when the network is stitched, or has a part that transformers' ViT and DeiT lack, saying what would do
 */
export async function toHuggingFace(network: Network, options: SafetensorsOptions = {}): Promise<ModelFiles> {
  const { details, dtype } = checked('toHuggingFace', network, options)
  const structure = structureOf(network)
  plainBlock('toHuggingFace', structure)
  const { config, preprocessor } = huggingFaceConfig(structure, details)
  const weights = await saveModel(network, { naming: 'huggingface', dtype, details })
  return new Map([
    ['config.json', jsonFile(config)],
    ...(preprocessor ? [['preprocessor_config.json', jsonFile(preprocessor)] as const] : []),
    ['model.safetensors', weights],
  ])
}

/**
 * A plain ViT as the files that timm reads with `create_model('local-dir:FOLDER', pretrained=True)`: `model.safetensors` and `config.json`, whose preprocessing is that of
 * the details.
 *
 * @throws Error when the network is stitched, or has a part that timm's VisionTransformer lacks, saying what would do
 */
export async function toTimm(network: Network, options: SafetensorsOptions = {}): Promise<ModelFiles> {
  const { details, dtype } = checked('toTimm', network, options)
  const structure = structureOf(network)
  const config = timmConfig(structure, details)
  const tensors = structure.embeddingNorm
    ? withoutPatchBias(await readParameters(parametersOf(network)), structure)
    : await readParameters(parametersOf(network))
  return new Map([
    ['config.json', jsonFile(config)],
    ['model.safetensors', encodeSafetensors(tensors, { dtype, metadata: { format: 'pt' } })],
  ])
}

function checked(where: string, network: Network, options: SafetensorsOptions) {
  requireArguments(where, { network: ['network', network], options: ['object', options] })
  requireKeys(where, options, ['details', 'dtype'])
  const { details = {}, dtype = 'F32' } = options
  huggingFaceLabels(network.head.classes, details)
  return { details, dtype }
}

const instead = 'export it as ONNX or for transformers.js, which run any network, or keep it as a safetensors file of learngene'

/** The configuration that all blocks have. @throws Error where they have not one, saying why and what would do */
function plainBlock(where: string, { blocks, embeddingWidth }: NetworkStructure): Required<TransformerBlockConfig> {
  const [first] = blocks
  if (!first) throw new Error(`${where}: the network must have blocks; it has none: ${instead}`)
  const texts = blocks.map(({ kind, config: { inputWidth, outputWidth, width } }) =>
    inputWidth === undefined ? `${kind} of width ${width ?? '?'}` : `${kind} ${inputWidth} to ${outputWidth}`,
  )
  const alike = blocks.every(({ kind, config }) => kind === 'transformer' && JSON.stringify(config) === JSON.stringify(first.config))
  if (!alike) {
    const counts = [...new Set(texts)].map((text) => `${texts.filter((each) => each === text).length} x ${text}`)
    throw new Error(
      `${where}: a plain ViT has transformer blocks of one size throughout; this network has ${counts.join(', ')}, which no class there runs: ${instead}, or take a path of one tier`,
    )
  }
  const config = first.config as unknown as TransformerBlockConfig
  return { mlpRatio: 4, epsilon: 1e-6, activation: 'gelu', headWidth: embeddingWidth / config.heads, ...config }
}

const activationNames = { gelu: 'gelu', geluTanh: 'gelu_tanh', quickGelu: 'quick_gelu' } as const

/** `config.json` of timm: the arguments of its VisionTransformer. The architecture says the epsilon of the layer norms, which no argument does. */
function timmConfig(structure: NetworkStructure, details: ModelDetails): JsonObject {
  const block = plainBlock('toTimm', structure)
  const {
    geometry,
    classes,
    embeddingWidth: width,
    blocks,
    distillationToken = false,
    distillationHead = false,
    pooling = 'token',
  } = structure
  const { classToken = true, registerTokens = 0, embeddingNorm = false, normAfterPooling = false, attentionPool, epsilon } = structure
  const { embedding, projectedFrom, head } = structure
  const hidden = Math.round(width * block.mlpRatio)
  const ownPool =
    attentionPool &&
    (attentionPool.width !== undefined ||
      attentionPool.heads !== block.heads ||
      attentionPool.mlpRatio !== block.mlpRatio ||
      (attentionPool.activation ?? 'gelu') !== block.activation)
  const lacking = [
    embedding && `the embedding '${embedding.kind}'`,
    projectedFrom !== undefined && `an embedding of width ${projectedFrom} with a linear map behind it`,
    head && `the head '${head.kind}'`,
    block.headWidth * block.heads !== width && `heads of width ${block.headWidth}`,
    pooling === 'tokenAverage' && "the pooling 'tokenAverage'",
    ownPool && 'attention pooling whose width, heads, MLP or activation are not those of the blocks',
    block.epsilon !== epsilon && 'layer norms of several epsilons',
    ![1e-6, 1e-5].includes(epsilon) && `layer norms of epsilon ${epsilon}, not 1e-6 or 1e-5`,
    distillationToken && !distillationHead && 'a distillation token without its head',
    distillationToken && registerTokens > 0 && 'registers beside a distillation token',
  ].filter((part) => part !== false && part !== undefined)
  if (lacking.length > 0)
    throw new Error(`toTimm: this network has ${lacking.join(', ')}, which timm's VisionTransformer does not have: ${instead}`)
  const architecture = distillationToken
    ? 'deit_base_distilled_patch16_224'
    : epsilon === 1e-5
      ? 'vit_base_patch16_clip_224'
      : 'vit_base_patch16_224'
  const globalPool = { token: 'token', average: 'avg', attention: 'map', tokenAverage: '' }[pooling]
  const size = sidesOf(geometry.imageSize)
  const names = details.classNames as readonly string[] | undefined
  return {
    architecture,
    num_classes: classes,
    num_features: width,
    global_pool: globalPool,
    model_args: {
      img_size: [...size],
      patch_size: [...sidesOf(geometry.patchSize)],
      in_chans: geometry.channels,
      embed_dim: width,
      depth: blocks.length,
      num_heads: block.heads,
      mlp_ratio: ratioOf(hidden, width),
      act_layer: activationNames[block.activation],
      class_token: classToken,
      reg_tokens: registerTokens,
      pre_norm: embeddingNorm,
      fc_norm: normAfterPooling,
      global_pool: globalPool,
    },
    ...(names && { label_names: [...names] }),
    pretrained_cfg: {
      input_size: [geometry.channels, ...size],
      num_classes: classes,
      pool_size: null,
      first_conv: 'patch_embed.proj',
      classifier: distillationHead ? ['head', 'head_dist'] : 'head',
      ...preparation(details, size),
    },
  }
}

/** timm takes the whole part of width x ratio. */
const ratioOf = (hidden: number, width: number) =>
  Math.trunc(width * (hidden / width)) === hidden ? hidden / width : (hidden + 0.5) / width

/** The preprocessing in timm's terms. @throws Error where it has none for it */
function preparation(details: ModelDetails, size: readonly [number, number]): { [key: string]: Json } {
  const preprocessing = statedPreprocessing(size, details)
  if (!preprocessing) return {}
  const { interpolation, mean, std } = preprocessing
  return { interpolation, ...framing(preprocessing, size), mean: [...mean], std: [...std] }
}

function framing(preprocessing: Preprocessing, size: readonly [number, number]): { readonly crop_mode: string; readonly crop_pct: number } {
  if ('crop' in preprocessing) return { crop_mode: preprocessing.crop, crop_pct: preprocessing.cropPct }
  const { resize, centerCrop } = preprocessing
  if (resize !== 'none') {
    const scaled = 'shortest' in resize ? ([resize.shortest, resize.shortest] as const) : resize.squash
    const share = size[0] / scaled[0]
    const exact = [0, 1].every((axis) => Math.floor(size[axis as 0 | 1] / share) === scaled[axis as 0 | 1])
    const cuts = centerCrop || share === 1
    if (exact && cuts && share <= 1) return { crop_mode: 'shortest' in resize ? 'center' : 'squash', crop_pct: share }
  }
  throw new Error(
    `toTimm: timm's preprocessing resizes to a share of its size and cuts the middle out; that of the details is ${JSON.stringify({ size, resize, centerCrop })}: leave details.preprocessing out, or give another`,
  )
}

/** timm's patches have no bias where a layer norm ends the embedding: it is added to their positions instead, which comes to the same. */
function withoutPatchBias(tensors: readonly NamedFloatTensor[], { geometry, embeddingWidth: width }: NetworkStructure): NamedFloatTensor[] {
  const bias = tensors.find(({ name }) => name === 'patch_embed.proj.bias')!.data
  const [rows, columns] = gridOf(geometry)
  return tensors.flatMap((tensor) => {
    if (tensor.name === 'patch_embed.proj.bias') return []
    if (tensor.name !== 'pos_embed') return [tensor]
    const data = Float32Array.from(tensor.data)
    for (let i = data.length - rows * columns * width; i < data.length; i++) data[i]! += bias[i % width]!
    return [{ ...tensor, data }]
  })
}
