/** How far results may lie apart, and why. All are relative: see {@link expectClose}. */
export const TOLERANCES = {
  /** Own kernels against the reference form: the same float32 formula with sums in another order, rounding 6e-8 per term. */
  kernel: 1e-5,
  /** Float32 results against float64 loops: rounding of inputs and sums of up to a few hundred terms. */
  float64: 1e-5,
  /** Attention with scores around 1000: exp turns their rounding, 6e-8 of 1000, into a relative error of the probabilities. */
  largeScores: 1e-4,
  /** GELU and its gradient against float64, absolute, on [-8, 8]: a few roundings of values up to 8. */
  gelu: 1e-6,
  /**
   * Analytic gradients against central differences of float32 values: a step of 1e-2 leaves a truncation error of about 1e-4, rounding of
   * the two values divided by the step one of about 1e-5.
   */
  numericGradient: 2e-3,
  /** Parameters after several AdamW steps against float64: the change is divided by sqrt(v), which keeps the relative error of v. */
  adamW: 1e-6,
} as const
