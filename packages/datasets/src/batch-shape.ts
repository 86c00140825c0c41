export type BatchShape = readonly [images: number, height: number, width: number, channels: number]

/** Throws one line when the number of pixels is not that of the shape. */
export const checkPixels = (pixels: Uint8Array, shape: BatchShape): void => {
  const size = shape[0] * shape[1] * shape[2] * shape[3]
  if (pixels.length !== size)
    throw new Error(
      `shape ${shape.join(' x ')} needs ${size} pixels, got ${pixels.length}; give the shape [images, height, width, channels]`,
    )
}
