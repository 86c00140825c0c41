/** The three things that a reference file is about. */
export const referenceParts = ['outputs', 'gradients', 'adamw'] as const

export type ReferencePart = (typeof referenceParts)[number]

/** One value for each part of a reference. */
export type ByPart<T> = { readonly [part in ReferencePart]: T }

/**
 * Largest errors that pass, for every backend, since all compute in float32, whose rounding is 6e-8. A forward pass of a few blocks stays
 * some tens of roundings from float64. A gradient sums over all images and tokens, with cancellation, and has passed every block twice.
 * The errors of outputs and gradients are relative to a tensor's norm; that of AdamW's steps is a multiple of what the gradients' tolerance explains.
 */
export const referenceTolerances: ByPart<number> = { outputs: 1e-5, gradients: 1e-4, adamw: 1 }
