import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core'

/** What we use of TensorFlow.js's wasm backend (4.22), whose tensors are byte ranges of one WebAssembly memory. */
export interface WasmBackend extends KernelBackend {
  readonly wasm: {
    readonly asm?: { readonly memory?: WebAssembly.Memory }
    readonly wasmMemory?: WebAssembly.Memory
    _malloc(bytes: number): number
    _free(address: number): void
  }
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } }
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo
  incRef(dataId: object): void
  /** The values of a float32 tensor where they lie, until the memory grows. */
  typedArrayFromHeap(tensor: TensorInfo): Float32Array
}

/** Address of a tensor's first byte. */
export function addressOf(backend: WasmBackend, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset
}

/** Runs a function with memory that is given back afterwards. */
export function withScratch(backend: WasmBackend, bytes: number, run: (address: number) => void): void {
  const address = backend.wasm._malloc(bytes)
  if (address === 0) throw outOfMemory(bytes)
  try {
    run(address)
  } finally {
    backend.wasm._free(address)
  }
}

export function outOfMemory(bytes: number): Error {
  return new Error(`the wasm backend has no ${bytes} bytes left; use a smaller batch or dispose tensors that are no longer needed`)
}
