import type { DataId, DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core'

/** What tfjs's WebGPU backend keeps of one tensor. */
export interface TensorData {
  /** The GPU buffer; absent while the values are on the host only, or nowhere yet. */
  resource?: GPUBuffer | null
  /** The values on the host; a kernel that writes into the buffer must set them to null. */
  values: ArrayBufferView | null
  readonly dtype: DataType
  readonly shape: readonly number[]
  refCount: number
}

export type UniformValue = { readonly type: 'float32' | 'int32' | 'uint32'; readonly data: number[] }

/** The parts of tfjs's WebGPU backend (4.22.0) that own kernels work with. */
export interface WebGPUBackend extends KernelBackend {
  readonly device: GPUDevice
  /** The adapter's own, left there by @learngene/backends: under Node a device does not repeat which matrix units there are. */
  readonly learngeneAdapterInfo?: AdapterInfo
  /** Runs a reading with the errors of the device, which nothing else reports; left there by @learngene/backends. */
  readonly learngeneRead?: <T>(reading: () => Promise<T>) => Promise<T>
  readonly queue: GPUQueue
  readonly tensorMap: { get(dataId: DataId): TensorData; has(dataId: DataId): boolean }
  /** Pipelines by a key of their program. */
  readonly pipelineCache: { [key: string]: GPUComputePipeline }
  readonly commandQueueOwnedIds: { add(dataId: DataId): unknown }
  commandEncoder: GPUCommandEncoder | null
  computePassEncoder: GPUComputePassEncoder | null
  dispatchCountInPass: number
  makeTensorInfo(shape: readonly number[], dtype: DataType): TensorInfo
  uploadToGPU(dataId: DataId): void
  makeUniforms(values: UniformValue[]): GPUBufferBinding
  ensureCommandEncoderReady(): void
  endComputePassEncoder(): void
  submitQueue(): void
  incRef(dataId: DataId): void
}

/** What an adapter may tell of itself; the matrices with Dawn only. */
export type AdapterInfo = Partial<GPUAdapterInfo> & { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> }

/** A product of small matrices, [M, K] [K, N], that a subgroup does at once, and the types of its factors and of its result. */
export interface MatrixConfig {
  readonly componentType: string
  readonly resultComponentType: string
  readonly M: number
  readonly N: number
  readonly K: number
}

/** What the adapter of a backend tells of itself: what its device repeats of it where somebody else has made the backend. */
export function adapterInfoOf({ device, learngeneAdapterInfo }: Pick<WebGPUBackend, 'device' | 'learngeneAdapterInfo'>): AdapterInfo {
  return learngeneAdapterInfo ?? device.adapterInfo ?? {}
}
