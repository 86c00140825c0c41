import type { BackendName } from './backend-names.js'

export interface BackendOptions {
  /**
   * Where the wasm backend's binaries are: a directory (path or URL), or one address for each of the three file names, as `setWasmPaths` of
   * @tensorflow/tfjs-backend-wasm takes it. Default in Node: the installed package. Default in browsers: beside the script.
   */
  readonly wasmPaths?: string | { readonly [file: string]: string }
}

export interface StartedBackend {
  /** Of the backend's package; for tensorflow and tensorflow-gpu of the TensorFlow library that runs. */
  readonly version: string
  /** The device's own name, where the backend tells it. */
  readonly device: string | null
  readonly features: readonly string[]
}

/** Knows how one backend is started. */
export interface Starter {
  readonly name: BackendName
  /** Its name in the TensorFlow.js engine; tensorflow and tensorflow-gpu share one. */
  readonly engineName: string
  /**
   * Registers and initialises the backend without making it the current one. Repeating it does nothing.
   * Throws with the reason, in one line, where the backend cannot run here.
   */
  start(options: BackendOptions): Promise<StartedBackend>
  /** Loads the kernels of `@learngene/ops` for it, where there are any. */
  loadKernels?(): Promise<unknown>
  /** Throws with the reason where a started backend should be used only by those who name it. */
  assertAuto?(): Promise<void>
}
