import type { Tensor, Tensor3D, Tensor4D, Variable } from '@tensorflow/tfjs-core'
import type { BackendName } from './backend-names.js'

export interface BackendOptions {
  /**
   * Where the wasm backend's binaries are: a directory (path or URL), or one address for each of the three file names, as `setWasmPaths` of
   * @tensorflow/tfjs-backend-wasm takes it. Default in Node: the installed package. Default in browsers: beside the script.
   */
  readonly wasmPaths?: string | { readonly [file: string]: string }
  /**
   * With `auto`: every backend that can run here runs this network, and the fastest for it is taken, instead of the one that is fastest for most. Small
   * networks are often faster on wasm than on a GPU. The network's weights end on the backend that is taken.
   */
  readonly measure?: MeasurableNetwork
  /** Images per call of `measure`; default 1. */
  readonly batch?: number
}

/** What `auto` can measure: a network of `@learngene/vit-blocks`, or whatever has its parts. */
export interface MeasurableNetwork {
  readonly embedding: {
    /** Of the images [B, height, width, channels] that it takes. */
    readonly geometry: { readonly imageSize: number | readonly [height: number, width: number]; readonly channels: number }
    readonly parameters: Weights
    forward(images: Tensor4D): Tensor3D
  }
  readonly blocks: readonly { readonly parameters: Weights; forward(x: Tensor3D, context: object): Tensor3D }[]
  readonly head: { readonly parameters: Weights; forward(x: Tensor3D): Tensor }
}

/** Trained tensors by name. */
type Weights = { readonly [name: string]: Variable }

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
  /** What is to be done once it is the current backend. */
  prepare?(): Promise<unknown>
  /** Throws with the reason where a started backend should be used only by those who name it. */
  assertAuto?(): Promise<void>
}
