/** The filters of Pillow's `Image.resize`, all but `nearest` antialiased. */
export type Interpolation = 'nearest' | 'bilinear' | 'bicubic' | 'lanczos'

/**
 * How an image becomes the `size` of a network's input: by the rules of the library that the model was trained with, which differ.
 * Sizes are [height, width].
 */
export type Framing =
  /**
   * timm's. `scaled` is floor(size / cropPct). 'center': resized so that it covers `scaled`, then its middle is cut out. 'squash': resized to `scaled`
   * whatever its shape, then the same. 'border': resized so that it fits into `scaled`, then padded with the mean colour, or cut.
   */
  | { readonly crop: 'center' | 'squash' | 'border'; readonly cropPct: number }
  /**
   * transformers'. Resized so that the shortest edge has so many pixels, squashed to a size, or not at all; then, with `centerCrop`, the middle is cut out
   * and black added where it is smaller. Without it an image must be of the network's size by then.
   */
  | {
      readonly resize: { readonly shortest: number } | { readonly squash: readonly [number, number] } | 'none'
      readonly centerCrop: boolean
    }

/** All that is done to a decoded image before a network sees it. A model's details hold it as `preprocessing`. */
export type Preprocessing = Framing & {
  /** [height, width] of the network's input. */
  readonly size: readonly [number, number]
  readonly interpolation: Interpolation
  /** Per channel, subtracted from pixels scaled to 0..1. */
  readonly mean: readonly number[]
  /** Per channel, by which the difference is divided. */
  readonly std: readonly number[]
}
