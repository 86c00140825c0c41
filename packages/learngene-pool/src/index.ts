export { type AuxiliarySpec, createAuxiliary } from './auxiliary.js'
export * from './baselines/index.js'
export { type CacheOptions, cacheBytes, cachedTeacher } from './cached-teacher.js'
export type { ChunkRange, ChunkStore } from './chunk-store.js'
export {
  createDistillation,
  type Distillation,
  type DistillationOptions,
  type DistillOptions,
  distill,
} from './distill.js'
export {
  accuracies,
  type CascadeEvaluation,
  type ClassEvaluation,
  type EvaluateOptions,
  type Evaluation,
  evaluate,
  evaluateCascade,
  type Outcomes,
  outcomes,
} from './evaluate.js'
export { descendantBytes, extractDescendant } from './extract.js'
export { type FineTuneOptions, fineTune } from './fine-tune.js'
export {
  ancestorTier,
  type Inheritance,
  type InheritedSpec,
  type InheritOptions,
  inherit,
  inheritTiers,
  openInheritance,
} from './inherit.js'
export type { Lesson, LessonFeatures, LessonLoss, Lessons } from './lessons.js'
export { costBins, type PathPolicy, sandwich, uniformPaths } from './path-policy.js'
export {
  buildPool,
  descendantsOf,
  disposePool,
  mergeStitches,
  type Pool,
  type PoolOptions,
  poolParameters,
  searchSpace,
  storedParameters,
} from './pool.js'
export { decodePool, encodePool, type PoolKinds } from './pool-file.js'
export { type SupervisedPosition, type Supervision, supervisedPositions } from './supervision.js'
export { type LiveTeacher, liveTeacher, type Teacher } from './teacher.js'
export { type DistillationTerm, standardTerms, type TermOptions } from './terms.js'
export type { TrainingPlan, ValidationPlan } from './training-plan.js'
