import type { Tensor, Tensor2D, Tensor3D, Tensor4D, Variable } from '@tensorflow/tfjs-core'
import type { JsonObject } from './json.js'
import type { Rng } from './rng.js'

/** Tensors by name. */
export type NamedTensors = { [name: string]: Tensor }

/** Trained tensors by name. Layout is PyTorch's: Linear weights [out, in], patch convolutions OIHW. */
export type Parameters = { readonly [name: string]: Variable }

/** What a block may use besides its input. */
export interface BlockContext {
  /** Offers an intermediate under a name local to the block, for example `attn`; kept only where somebody asked for it. */
  record?(name: string, value: Tensor): void
}

/**
 * One unit of a network's trunk: a transformer block, a stitch, or a block of the user's own. Dimensions: B images, N tokens, D width.
 * Whoever composes blocks uses these members only and never asks for a block's kind.
 */
export interface Block {
  /** The name under which the block's factory is registered; stored in files. */
  readonly kind: string
  /** All that the factory needs to build the block again, without weights. */
  readonly config: JsonObject
  readonly inputWidth: number
  readonly outputWidth: number
  readonly parameters: Parameters
  /** Multiply-accumulates for one image of `tokens` tokens. */
  macs(tokens: number): number
  /** Peak number of live floats during the forward pass of one image, input and output included, parameters not. */
  liveFloats(tokens: number): number
  /** [B, N, inputWidth] -> [B, N, outputWidth] */
  forward(x: Tensor3D, context: BlockContext): Tensor3D
  /** Of a stitch: starts as this map. A stitch without it is given the values of its parameters `weight` [D_t, D_s] and `bias` [D_t]. */
  assign?(map: AffineMap): void
  /** Of a stitch that is trained in another form than it is kept in: the block that it has become, with weights of its own; this one stays. */
  merge?(): Promise<Block>
}

/** y = M x + c, as plain numbers. */
export interface AffineMap {
  /** Width of x. */
  readonly inputs: number
  /** Width of y. */
  readonly outputs: number
  /** M [outputs, inputs], row by row. */
  readonly weight: Float32Array
  /** c [outputs] */
  readonly bias: Float32Array
}

/** Builds a block with freshly initialised parameters. Must not depend on anything but its arguments. */
export type BlockFactory = (config: JsonObject, rng: Rng) => Block

/** Block factories by kind. */
export type BlockRegistry = { readonly [kind: string]: BlockFactory }

/** Intermediates by name: `block.3` is the output of block 3, `attn.3` what block 3 recorded as `attn`. */
export type Features = { readonly [name: string]: Tensor3D }

/** What reading a batch may depend on besides the images' numbers. */
export interface BatchContext {
  /** Of the training; with the numbers it decides all that is random, so that a resumed training sees the same pixels. Default 0. */
  readonly step?: number
  /** From which an image takes a fork by step and number; a source that draws nothing needs none. */
  readonly rng?: Rng
  readonly signal?: AbortSignal
}

/** Images as a network takes them, and what they show. Both belong to whoever asked for them. */
export interface ImageBatch {
  /** Normalised pixels [B, height, width, channels]. */
  readonly images: Tensor4D
  /** The share that each class has in each image [B, C]: one-hot rows, others where images were mixed. [B, 0] where nothing is labelled. */
  readonly targets: Tensor2D
}

/** Images as networks take them, read by index: a dataset with its preprocessing and augmentation, or whatever a user has. */
export interface ImageSource {
  readonly length: number
  /** Names of the classes in the order of the targets' columns; none where the images are not labelled. */
  readonly classes: readonly string[]
  /** Whether an image changes from step to step; then nothing computed from it may be kept. Default false. */
  readonly augmented?: boolean
  /** Changes with whatever a batch depends on: pixels, labels, classes, preprocessing, augmentation. Without it nothing that is stored can be bound to these images. */
  fingerprint?(): Promise<string>
  /** The named images. Several calls may be under way at once. */
  batch(indices: ArrayLike<number>, context?: BatchContext): Promise<ImageBatch>
}

/** A per-example loss: [B, ...] tensors in, [B] out. Reduction over the batch is the caller's. */
export type Loss = (predicted: Tensor2D | Tensor3D, target: Tensor2D | Tensor3D) => Tensor
