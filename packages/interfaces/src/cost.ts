/**
 * What one forward pass of a model costs.
 *
 * MACs are counted as fvcore counts them (method.md section 2): matrix products and layer norms, never softmax, GELU or bias adds.
 */
export interface Cost {
  /** Multiply-accumulate operations for one image. */
  readonly macs: number
  /** Trained scalars. */
  readonly parameters: number
  /** Bytes: 4 x (parameters + peak live floats of one image's forward pass). */
  readonly memory: number
}
