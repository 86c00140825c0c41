import type { TestBackend } from './backends.js'

/** How far results may lie apart. All are relative: see `expectClose`. */
const FLOAT32 = {
  /** Own kernels against the reference form: the same float32 formula with sums in another order, rounding 6e-8 per term. */
  kernel: 1e-5,
  /** Float32 results against float64 loops: rounding of inputs and sums of up to a few hundred terms. */
  float64: 1e-5,
  /** Two float32 ways to the same number. */
  identity: 1e-5,
  /** Losses in float32 against PyTorch's double precision: rounding of inputs, logarithms and sums of a few terms. */
  golden: 2e-6,
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
  /** Losses of 20 training steps on any two backends: rounding grows with every step through AdamW's division by sqrt(v). */
  lossCurve: 1e-3,
}

export type Tolerances = { readonly [what in keyof typeof FLOAT32]: number }

export const TOLERANCES: { readonly [name in TestBackend]: Tolerances } = {
  cpu: FLOAT32,
  wasm: FLOAT32,
  tensorflow: FLOAT32,
  webgpu: FLOAT32,
}
