import type { JsonObject } from '@learngene/interfaces'
import type { Block, NamedTensors } from '@learngene/interfaces/tensors'
import type { Tensor3D } from '@tensorflow/tfjs-core'
import type { PrincipalBasis } from './principal-basis.js'
import type { Values } from './values.js'

/** What a cut keeps of a block. */
export interface BlockSize {
  /** D_s */
  readonly width: number
  /** H_s, where it is not the ancestor's number. */
  readonly heads?: number
  /** Hidden width of its perceptron as a multiple of the width, where it is not the ancestor's multiple. */
  readonly mlpRatio?: number
  /** By layer norm of the block: what its output is multiplied by in place of the ancestor's, for what was cut. */
  readonly gains: readonly number[]
}

/** Watches a block at work on calibration images. */
export interface BlockObserver {
  /**
   * Runs the block [B, N, D] -> [B, N, D]; the caller frees the output.
   *
   * @param read is handed what each layer norm makes of the stream before its gamma and beta, in order [B, N, D]; it does not free it
   */
  forward(x: Tensor3D, read: (norm: number, normalised: Tensor3D) => Promise<void>): Promise<Tensor3D>
  /** The values of a block of the same configuration that computes the same in the principal basis, what matters most standing first. */
  rotate(basis: PrincipalBasis): Promise<Values>
}

/** Streams of the calibration images by batch, at one block. */
export interface BlockStreams {
  /** What the ancestor's block takes, in principal order [B, N, D]. */
  readonly ancestor: readonly Tensor3D[]
  /** What the cut's block takes [B, N, D_s]. */
  readonly tier: readonly Tensor3D[]
  /** What the ancestor's block gives [B, N, D]: its leading D_s values are where the cut's block should lead, up to their mean. */
  readonly targets: readonly Tensor3D[]
  /** What each token of an image counts in a fit [N]: those that the head reads count as much together as all others. */
  readonly weights: readonly number[]
}

/** How blocks of one kind are written in principal order and cut. Whoever adds a block kind adds one of these for it to be inherited. */
export interface BlockKind {
  /** Layer norms of the block that read the residual stream. */
  readonly norms: number
  observe(block: Block): BlockObserver
  /**
   * Slices a block in principal order; no algebra, on the device.
   *
   * @returns the configuration of the smaller block, and its parameters as tensors that the caller frees
   */
  cut(block: Block, size: BlockSize): { readonly config: JsonObject; readonly parameters: NamedTensors }
  /** Fits a cut block to its streams and assigns its parameters; a kind without it stays as it was cut. */
  refine?(block: Block, cut: Block, streams: BlockStreams): Promise<void>
}

/** Kinds by their name in the block registry. */
export type BlockKinds = { readonly [kind: string]: BlockKind }

/** @throws when nothing says how blocks of this kind are cut */
export function kindOf(block: Block, index: number, kinds: BlockKinds): BlockKind {
  const kind = Object.hasOwn(kinds, block.kind) ? kinds[block.kind] : undefined
  if (!kind) {
    throw new Error(
      `inherit: block ${index} is a '${block.kind}', and only kinds that say how they are cut can be inherited: ${Object.keys(kinds).join(', ')}; ` +
        `pass { kinds: { '${block.kind}': ... } }, or start from random weights`,
    )
  }
  return kind
}
