import type { LatencySetting, MeasuredBudget } from '../../latency/budget.js'

/** What reads the files. Named here, so that help need not load TensorFlow.js. */
export const EXPORT_FORMATS = ['onnx', 'transformers.js', 'timm', 'huggingface', 'safetensors'] as const

export type ExportFormat = (typeof EXPORT_FORMATS)[number]

export const WEIGHT_TYPES = ['float32', 'float16', 'int8'] as const

export interface ExportOptions {
  /** A model, or a run. */
  readonly model: string
  readonly format: ExportFormat
  /** Of a run; without path and budget its chosen descendant. */
  readonly path?: string
  readonly budget?: MeasuredBudget
  /** Default float32. */
  readonly weights?: (typeof WEIGHT_TYPES)[number]
  readonly opset?: number
  /** Where the model's latency is measured for its card. */
  readonly latency?: LatencySetting
  /** A folder, or a file of the formats `onnx` and `safetensors`. */
  readonly out?: string
  readonly force?: boolean
  /** The module whose registry has the model's own kinds of parts; the folder of a run needs none. */
  readonly config?: string
}
