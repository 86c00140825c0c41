import type { BackendName } from '@learngene/backends'
import type { OpsMode } from '@learngene/ops'
import type { SquareViTConfig } from '@learngene/vit-blocks'

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
  /** `stock`: plain TensorFlow.js operations and `tf.train.adam`. */
  readonly formulation: 'ours' | 'stock'
  /** Kernels or reference form of our own formulation; default `auto`. */
  readonly ops?: OpsMode
  /** See `useBackend`; needed in browsers. */
  readonly wasmPaths?: string | { readonly [file: string]: string }
}
