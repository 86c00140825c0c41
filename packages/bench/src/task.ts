import type { BackendName } from '@learngene/backends'
import { classTargets, type OpsMode } from '@learngene/ops'
import { createRng, type TrainingPrecision } from '@learngene/training'
import type { SquareViTConfig } from '@learngene/vit-blocks'
import { add, type DataId, engine, keep, type Tensor, type Tensor2D, type Tensor4D, tensor4d, tidy } from '@tensorflow/tfjs-core'

/** What can be timed: inference, a training step, a distillation step, inference of a stitched descendant. */
export const WORKS = ['forward', 'train', 'distill', 'stitch'] as const

export type What = (typeof WORKS)[number]

/** One piece of work, the same for all who are compared. */
export interface Task {
  readonly what: What
  readonly model: SquareViTConfig
  /** Images per step, over all workers. */
  readonly batch: number
}

/** One piece of work with all that decides how it is computed in one process or thread. */
export interface Assignment extends Task {
  readonly backend: BackendName
  /** `stock`: plain TensorFlow.js operations and `tf.train.adam`. `onnx`: inference of our ONNX model in onnxruntime-web, on wasm alone. */
  readonly formulation: 'ours' | 'stock' | 'onnx'
  /** Kernels or reference form of our own formulation; default `auto`. */
  readonly ops?: OpsMode
  /** Of our own formulation on webgpu; default `float32`. */
  readonly precision?: TrainingPrecision
  /** See `useBackend`; needed in browsers. */
  readonly wasmPaths?: string | { readonly [file: string]: string }
}

/** A batch of drawn images with labels, on the device. */
export interface Inputs {
  /** [B, height, width, channels] */
  readonly images: Tensor4D
  /** [B, C] */
  readonly targets: Tensor2D
}

export function createInputs({ imageSize, channels, classes }: Task['model'], batch: number): Inputs {
  const rng = createRng(0)
  const pixels = Float32Array.from({ length: batch * imageSize * imageSize * channels }, () => rng.normal())
  const labels = Array.from({ length: batch }, (_, i) => i % classes)
  return {
    images: onDevice(tensor4d(pixels, [batch, imageSize, imageSize, channels])),
    targets: onDevice(classTargets(labels, classes)),
  }
}

/** Keeps values where the backend computes. Those from the host stay there until an operation takes them, and recorded steps would fetch them each time. */
function onDevice<T extends Tensor>(values: T): T {
  const backend = engine().backend as { uploadToGPU?(dataId: DataId): void }
  if (backend.uploadToGPU) {
    backend.uploadToGPU(values.dataId)
    return keep(values)
  }
  const there = keep(tidy(() => add<T>(values, 0)))
  values.dispose()
  return there
}

/** Work that can be repeated step by step. */
export interface Work {
  /** Calls `onStep` after each step, when its result (the loss, the logits) has been read. */
  run(steps: number, onStep: () => void): Promise<void>
}
