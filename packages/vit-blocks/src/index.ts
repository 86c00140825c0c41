export { describe, requireArguments, requireKeys } from './arguments.js'
export { type CostOptions, costOf, costOfStructure } from './cost.js'
export { createEmbedding, type Embedding, type EmbeddingFactory, type EmbeddingOptions, type EmbeddingPlace } from './embedding.js'
export { gridOf, type ImageGeometry, type Size, sidesOf, sizeText } from './geometry.js'
export {
  type AttentionPool,
  type AttentionPoolConfig,
  createAttentionPool,
  createHead,
  type Head,
  type HeadFactory,
  type HeadOptions,
  type HeadPlace,
  type HeadReads,
  type Pooling,
} from './head.js'
export * as json from './json.js'
export {
  type LoadedModel,
  type LoadOptions,
  loadModel,
  loadParameters,
  modelBytes,
  readParameters,
  type SaveOptions,
  saveModel,
} from './model-file.js'
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
  withoutWeights,
} from './parameters.js'
export { checkReference, type ReferenceCheck } from './reference/check-reference.js'
export { type ByPart, type ReferencePart, referenceTolerances } from './reference/read-reference.js'
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
export {
  buildNetwork,
  createBlock,
  METADATA_KEY,
  type ModelDetails,
  type NetworkStructure,
  ownMetadata,
  type PartRegistry,
  type PartSpec,
  readOwnMetadata,
  readPartSpec,
  readStructure,
  standardBlocks,
  structureOf,
} from './structure.js'
export { createTransformerBlock, type TransformerBlockConfig } from './transformer-block.js'
export { createViT, deit, interfaceOf, type SquareViTConfig, type ViTConfig, type ViTInterface, vitStructure } from './vit.js'
export { statedPreprocessing } from './weights/details.js'
export { type HuggingFaceConfig, huggingFaceConfig, huggingFaceLabels, huggingFacePreprocessor } from './weights/hugging-face-config.js'
export { loadViT, type OpenOptions, openWeights } from './weights/open-weights.js'
export { resamplePositions } from './weights/resample-positions.js'
export { type UrlOptions, urlSource } from './weights/url-source.js'
export type { WeightFiles } from './weights/weight-files.js'
