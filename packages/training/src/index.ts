export { type AdamWOptions, adamW } from './adamw.js'
export { averaging } from './averaging.js'
export type { StepEvaluation, StoredSlot, StoredTensor, TrainingCheckpoint } from './checkpoint.js'
export type { EvaluationOptions } from './evaluation.js'
export { fixedBytes } from './fixed-bytes.js'
export type { LossTerms } from './gradients.js'
export { alone, type Group, shareOf } from './group.js'
export {
  countStep,
  disposeState,
  type Optimizer,
  type OptimizerState,
  type Slot,
  type StepScalars,
  takeStep,
} from './optimizer.js'
export { createRng } from './rng.js'
export { type CosineOptions, cosine, type Schedule } from './schedule.js'
export { type SgdOptions, sgd } from './sgd.js'
export type { LossScaling } from './step.js'
export { type TrainingControl, type TrainingPrecision, type TrainOptions, train } from './train.js'
