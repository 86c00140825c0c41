import type { DataId, KernelBackend, Tensor, TensorInfo } from '@tensorflow/tfjs-core'

/** An attribute of a native operation; `type` is one of the addon's TF_ATTR numbers. */
export interface Attribute {
  readonly name: string
  readonly type: number
  readonly value: number | boolean | string | readonly number[]
}

/** A tensor of TensorFlow's by its number, which is given once in the life of a process; `dtype` is TensorFlow's number. */
export interface NativeTensor {
  readonly id: number
  readonly shape: number[]
  readonly dtype: number
}

/** Values in the form that the addon takes them; strings are arrays of bytes. */
export type HostValues = Float32Array | Int32Array | Uint8Array | readonly Uint8Array[]

/** The addon of tfjs-node 4.22. */
export interface Binding {
  executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): NativeTensor[]
  createTensor(shape: readonly number[], dtype: number, values: HostValues): number
  deleteTensor(id: number): void
  tensorDataSync(id: number): HostValues | BigInt64Array
  /** Only `saved_model.pb` of the folder is read. */
  loadSavedModel(folder: string, tags: string): number
  deleteSavedModel(model: number): void
  /** Names are joined by commas. */
  runSavedModel(model: number, inputs: readonly number[], inputNames: string, outputNames: string): NativeTensor[]
}

/** What tfjs-node's backend keeps of one tensor. */
export interface TensorData {
  readonly shape: number[]
  /** TensorFlow's number of the type. */
  readonly dtype: number
  /** Below 0 or absent while the values are on the host. */
  id: number
  /** The values while they are on the host only. */
  values: HostValues | null
  readonly refCount: number
}

/** The parts of tfjs-node's backend (4.22) that recording works with. */
export interface TensorFlowBackend extends KernelBackend {
  binding: Binding
  readonly isUsingGpuDevice: boolean
  readonly tensorMap: { get(dataId: DataId): TensorData; has(dataId: DataId): boolean }
  /** Uploads what is on the host only. */
  getInputTensorIds(tensors: readonly TensorInfo[]): number[]
  createOutputTensor(native: NativeTensor): Tensor
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly TensorInfo[]): Tensor
  /** True while a step is being recorded: kernels then do without reading values, which a recording cannot do. */
  isRecording?: boolean
}

/** TF_AttrType of TensorFlow's C interface. */
export const ATTRIBUTE = { string: 0, int: 1, float: 2, bool: 3, type: 4, shape: 5 } as const

/** TF_DataType of TensorFlow's C interface, which is DataType of its messages. */
export const TYPE = { float: 1, int32: 3, uint8: 4, string: 7, int64: 9, bool: 10, resource: 20 } as const
