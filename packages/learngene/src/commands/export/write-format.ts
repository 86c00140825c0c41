import { type ModelFiles, type OnnxOptions, toHuggingFace, toOnnx, toTimm, toTransformersJs } from '@learngene/export'
import { type ModelDetails, type Network, saveModel } from '@learngene/vit-blocks'
import type { ExportFormat, ExportOptions } from './formats.js'

/** Formats that are one file, or one and its data. */
export const endings: { readonly [format in ExportFormat]?: string } = { onnx: '.onnx', safetensors: '.safetensors' }

export interface FormatOptions {
  readonly details: ModelDetails
  readonly weights: NonNullable<ExportOptions['weights']>
  readonly onnx: Pick<OnnxOptions, 'opset' | 'writers'>
  /** Of the file, where the format is one. */
  readonly name: string
}

const dtypes = { float32: 'F32', float16: 'F16', int8: 'I8' } as const

/** A network's files in a format. */
export const formats: { readonly [format in ExportFormat]: (network: Network, options: FormatOptions) => Promise<ModelFiles> } = {
  async onnx(network, { details, weights, onnx, name }) {
    const { model, data } = await toOnnx(network, { ...onnx, weights, details, dataFile: `${name}_data` })
    return new Map([[name, model], ...(data ? [[data.name, data.bytes] as const] : [])])
  },
  'transformers.js': (network, { details, onnx }) => toTransformersJs(network, { ...onnx, details }),
  timm: (network, { details, weights }) => toTimm(network, { details, dtype: floats(weights) }),
  huggingface: (network, { details, weights }) => toHuggingFace(network, { details, dtype: floats(weights) }),
  async safetensors(network, { details, weights, name }) {
    return new Map([[name, await saveModel(network, { details: { ...details, exportedAs: weights }, dtype: dtypes[weights] })]])
  },
}

const floats = (weights: FormatOptions['weights']) => (weights === 'float16' ? 'F16' : 'F32')
