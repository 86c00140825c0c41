import type { DataId, DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core'

/** What TensorFlow.js's WebGPU backend keeps of one tensor. */
export interface TensorData {
  /** The GPU buffer; absent while the values are on the host only, or nowhere yet. */
  resource?: GPUBuffer | null
  /** The values on the host: the only ones, or a copy of those on the GPU. */
  values: ArrayLike<number> | null
  readonly dtype: DataType
  readonly shape: number[]
  refCount: number
  /** True where the buffer is not the backend's own: then disposing the tensor leaves it alone. */
  external?: boolean
}

export interface BufferManager {
  acquireBuffer(size: number, usage: GPUBufferUsageFlags, mappedAtCreation?: boolean, reuse?: boolean): GPUBuffer
  releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void
  getNumUsedBuffers(): number
  getNumFreeBuffers(): number
  readonly numBytesUsed: number
  readonly numBytesAllocated: number
}

/** The parts of TensorFlow.js's WebGPU backend (4.22.0) that recording works with. */
export interface WebGPUBackend extends KernelBackend {
  device: GPUDevice
  queue: GPUQueue
  /** Runs a reading with the errors of the device, which nothing else reports; left there by @learngene/backends. */
  readonly learngeneRead?: <T>(reading: () => Promise<T>) => Promise<T>
  bufferManager: BufferManager
  readonly tensorMap: { get(dataId: DataId): TensorData; has(dataId: DataId): boolean }
  /** Pipelines by a key of their program, TensorFlow.js's and those of others. */
  pipelineCache: { [key: string]: GPUComputePipeline }
  commandEncoder: GPUCommandEncoder | null
  computePassEncoder: GPUComputePassEncoder | null
  dispatchCountInPass: number
  makeTensorInfo(shape: readonly number[], dtype: DataType): TensorInfo
  uploadToGPU(dataId: DataId): void
  ensureCommandEncoderReady(): void
  endComputePassEncoder(): void
  submitQueue(): void
}

/** Four: every dtype that tensors on the GPU have. */
const BYTES = 4

export const byteLength = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, BYTES)

/** The usage of the buffers that hold tensors. */
export const tensorUsage = (): GPUBufferUsageFlags => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST

/** Hands all commands that wait in the backend to the GPU. */
export function flush(backend: WebGPUBackend): void {
  if (!backend.commandEncoder) return
  backend.endComputePassEncoder()
  backend.submitQueue()
}

/** With the errors of the device, where somebody watches it. */
export const watched = <T>({ learngeneRead }: Pick<WebGPUBackend, 'learngeneRead'>, reading: () => Promise<T>): Promise<T> =>
  learngeneRead ? learngeneRead(reading) : reading()

/** Waits until it is known of all buffers that were asked for whether there was memory for them. @throws where there was not */
export const memorySettled = (backend: WebGPUBackend): Promise<void> => watched(backend, async () => {})

/** The encoder for the backend's next commands, outside of a compute pass. */
export function openEncoder(backend: WebGPUBackend): GPUCommandEncoder {
  backend.endComputePassEncoder()
  backend.ensureCommandEncoderReady()
  return backend.commandEncoder!
}

/** A tensor's values on the host as its GPU buffer has them. */
export function hostValues({ dtype, values }: TensorData): Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  if (dtype === 'float32') return values instanceof Float32Array ? (values as Float32Array<ArrayBuffer>) : Float32Array.from(values!)
  return values instanceof Int32Array ? (values as Int32Array<ArrayBuffer>) : Int32Array.from(values!)
}

/** Gives a tensor whose values are on the host only a buffer of the backend's own, without the mapping that TensorFlow.js does for it. */
export function upload({ bufferManager, queue }: Pick<WebGPUBackend, 'bufferManager' | 'queue'>, data: TensorData): void {
  if (data.resource || !data.values) return
  const values = hostValues(data)
  const buffer = bufferManager.acquireBuffer(values.byteLength, tensorUsage())
  queue.writeBuffer(buffer, 0, values)
  data.resource = buffer
  data.values = null
}
