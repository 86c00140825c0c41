/** Registers this package's own WebAssembly kernels on the wasm backend, once. */
export function installWasmKernels(): void {}
