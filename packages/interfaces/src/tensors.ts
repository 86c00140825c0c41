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
}

/** Builds a block with freshly initialised parameters. Must not depend on anything but its arguments. */
export type BlockFactory = (config: JsonObject, rng: Rng) => Block

/** Block factories by kind. */
export type BlockRegistry = { readonly [kind: string]: BlockFactory }

/** Intermediates by name: `block.3` is the output of block 3, `attn.3` what block 3 recorded as `attn`. */
export type Features = { readonly [name: string]: Tensor3D }

/** Images and their labels, read by index. Pixel values are uint8. */
export interface Dataset {
  readonly name: string
  readonly length: number
  /** Pixels of one image, height x width x channels, row by row. */
  readonly imageShape: readonly [height: number, width: number, channels: number]
  readonly classes: readonly string[]
  /** Pixels of the named images, one after the other: indices.length x height x width x channels. */
  images(indices: ArrayLike<number>): Uint8Array
  /** Class indices of the named images. */
  labels(indices: ArrayLike<number>): Uint8Array | Uint16Array
}

/** Labelled images as tensors, read by index: a dataset with its preprocessing, or whatever a user has. */
export interface ImageSource {
  readonly length: number
  /** Whether an image changes from call to call; then nothing computed from it may be kept. Default false. */
  readonly augmented?: boolean
  /** Where reading takes time (files to decode): reads the named images ahead, off the main thread where it can; must come before `images` of them. */
  prepare?(indices: ArrayLike<number>): Promise<void>
  /** Normalised pixels of the named images [B, height, width, channels]; the caller frees them. */
  images(indices: ArrayLike<number>): Tensor4D
  /** Class indices of the named images. */
  labels(indices: ArrayLike<number>): ArrayLike<number>
}

/** A per-example loss: [B, ...] tensors in, [B] out. Reduction over the batch is the caller's. */
export type Loss = (predicted: Tensor2D | Tensor3D, target: Tensor2D | Tensor3D) => Tensor
