export type { BlockWriter, BlockWriters } from './onnx/blocks.js'
export type { Attributes, Graph } from './onnx/graph.js'
export type { WeightType } from './onnx/store.js'
export { type OnnxModel, type OnnxOptions, toOnnx } from './onnx.js'
