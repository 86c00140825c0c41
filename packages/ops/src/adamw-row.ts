/** The numbers of AdamW that stay the same from step to step. */
export type AdamWConstants = {
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
}

/** The numbers of one parameter's step. */
export interface AdamWStep {
  readonly learningRate: number
  /** Decoupled decay: the parameter shrinks by learningRate x weightDecay. */
  readonly weightDecay: number
  /** 1 for the first step; sets the bias corrections. */
  readonly step: number
}

/** Columns of {@link adamWRow}. */
export const ADAMW_COLUMNS = 4

/** What changes from step to step, one row of the scalars: learning rate, 1 - learningRate weightDecay, 1 / (1 - beta1^step), 1 / (1 - beta2^step). */
export function adamWRow(
  { learningRate, weightDecay, step }: AdamWStep,
  { beta1, beta2 }: AdamWConstants,
): [learningRate: number, shrink: number, mCorrection: number, vCorrection: number] {
  return [learningRate, 1 - learningRate * weightDecay, 1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)]
}
