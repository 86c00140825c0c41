import type { AffineMap } from '@learngene/vit-blocks'

/** Whose features a transformation matrix maps to the other's width: `student` to the ancestor's (the default), `teacher` to the auxiliary's (the published code). */
export type Side = 'student' | 'teacher'

/**
 * A transformation matrix that distillation trained for the block outputs of one supervised position (method.md section 3).
 * Side `student`: S_p [D_a, D_s]; side `teacher`: W_p [D_s, D_a].
 */
export interface Transformation {
  readonly side: Side
  /** Index of the auxiliary's block. */
  readonly position: number
  /** Index of the ancestor's block whose output it was taught. */
  readonly ancestorPosition: number
  readonly map: AffineMap
}

/** Whether a map changes nothing, exactly. */
export function isIdentity({ inputs, outputs, weight, bias }: AffineMap): boolean {
  return (
    inputs === outputs && weight.every((value, at) => value === (at % (inputs + 1) === 0 ? 1 : 0)) && bias.every((value) => value === 0)
  )
}

/** The map that changes nothing. */
export function identityMap(width: number): AffineMap {
  const weight = new Float32Array(width * width)
  for (let i = 0; i < width; i++) weight[i * width + i] = 1
  return { inputs: width, outputs: width, weight, bias: new Float32Array(width) }
}
