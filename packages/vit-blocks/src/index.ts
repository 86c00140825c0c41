export { describe, requireArguments, requireKeys } from './arguments.js'
export { type AttentionPool, type AttentionPoolConfig, createAttentionPool } from './attention-pool.js'
export { type CostOptions, costOf, costOfStructure } from './cost.js'
export { createEmbedding, type Embedding, type EmbeddingOptions } from './embedding.js'
export { gridOf, type ImageGeometry, type Size, sidesOf, sizeText } from './geometry.js'
export { createHead, type Head, type HeadOptions, type Pooling } from './head.js'
export * as json from './json.js'
export {
  type LoadedModel,
  type LoadOptions,
  loadModel,
  loadParameters,
  readParameters,
  type SaveOptions,
  saveModel,
} from './model-file.js'
export type { ModelDetails } from './model-metadata.js'
export { disposeNetwork, type ForwardOptions, type ForwardResult, forward, type Network, parametersOf, runBlocks } from './network.js'
export {
  constant,
  copyParameters,
  countParameters,
  disposeParameters,
  parameter,
  prefixed,
  type ReadWeight,
  truncatedNormal,
} from './parameters.js'
export { readBlockSpec, readStructure } from './read-structure.js'
export { checkReference, type ReferenceCheck } from './reference/check-reference.js'
export { type ByPart, type ReferencePart, referenceTolerances } from './reference/tolerances.js'
export { type BlockSpec, createBlock, standardBlocks } from './registry.js'
export * from './safetensors/index.js'
export {
  type AffineMap,
  assignStitch,
  createLoraStitch,
  createStitch,
  type LoraStitchConfig,
  mergeLora,
  type StitchConfig,
  stitchFrom,
} from './stitch-blocks.js'
export { buildNetwork, type NetworkStructure, structureOf } from './structure.js'
export { createTransformerBlock, type TransformerBlockConfig } from './transformer-block.js'
export { createViT, deit, interfaceOf, type SquareViTConfig, type ViTConfig, type ViTInterface, vitStructure } from './vit.js'
export { type HuggingFaceConfig, huggingFaceConfig } from './weights/hugging-face-config.js'
export { loadViT } from './weights/load-vit.js'
export { type OpenOptions, openWeights } from './weights/open-weights.js'
export { resamplePositions } from './weights/resample-positions.js'
export { type UrlOptions, urlSource } from './weights/url-source.js'
export type { WeightFiles } from './weights/weight-files.js'
export { withoutWeights } from './without-weights.js'
