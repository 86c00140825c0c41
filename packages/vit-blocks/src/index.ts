export { costOf } from './cost.js'
export { createEmbedding, type Embedding, type ImageGeometry } from './embedding.js'
export { createHead, type Head } from './head.js'
export {
  buildNetwork,
  type LoadOptions,
  loadModel,
  loadParameters,
  type ModelDetails,
  type NetworkStructure,
  readParameters,
  type SaveOptions,
  saveModel,
  structureOf,
} from './model-file.js'
export { disposeNetwork, type ForwardOptions, type ForwardResult, forward, type Network, parametersOf, runBlocks } from './network.js'
export { constant, countParameters, parameter, prefixed, truncatedNormal } from './parameters.js'
export { type BlockSpec, createBlock, standardBlocks } from './registry.js'
export * from './safetensors/index.js'
export { inferTimmStructure, type TimmOptions } from './timm.js'
export { createTransformerBlock, type TransformerBlockConfig } from './transformer-block.js'
export { createViT, deit, type ViTConfig } from './vit.js'
