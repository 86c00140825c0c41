import type { AffineMap } from '@learngene/vit-blocks'

/** The map that changes nothing. */
export function identityMap(width: number): AffineMap {
  const weight = new Float32Array(width * width)
  for (let i = 0; i < width; i++) weight[i * width + i] = 1
  return { inputs: width, outputs: width, weight, bias: new Float32Array(width) }
}
