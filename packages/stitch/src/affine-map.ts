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

/** The map that changes nothing. */
export function identityMap(width: number): AffineMap {
  const weight = new Float32Array(width * width)
  for (let i = 0; i < width; i++) weight[i * width + i] = 1
  return { inputs: width, outputs: width, weight, bias: new Float32Array(width) }
}
