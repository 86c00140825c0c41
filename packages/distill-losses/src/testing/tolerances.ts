/** Largest |actual - expected| / max(|expected|, 1), in the Euclidean norm of the whole tensor. */
export const TOLERANCES = {
  /** Float32 against PyTorch's double precision: rounding of inputs, logarithms and sums of a few terms. */
  golden: 2e-6,
  /** Analytic gradients against central differences with step 1e-2: truncation about 1e-4, rounding of the values over the step 1e-5. */
  numericGradient: 1e-3,
  /** Two float32 ways to the same number. */
  identity: 1e-5,
} as const
