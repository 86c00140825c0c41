export type { Account, AccountKeeper } from './account.js'
export { canonicalJson, sha256 } from './canonical-json.js'
export { type Choosable, chooseDescendant } from './choose.js'
export { differences } from './differences.js'
export { type CheckpointHeader, type Depends, type FileEntry, type Manifest, SchemaError } from './manifest.js'
export { memoryStore } from './memory-store.js'
export { type KeptMetrics, type MetricsLine, type MetricsLog, memoryMetrics } from './metrics.js'
export { opfsMetrics } from './opfs-metrics.js'
export { opfsStore } from './opfs-store.js'
export { decodeOutcomes, encodeOutcomes, OUTCOMES, type RunOutcomes } from './outcomes.js'
export {
  keyOf,
  type PlannedStage,
  planStages,
  type Share,
  type Stage,
  type StageContext,
  type StageInputs,
  type StageResult,
  shareOfName,
} from './plan.js'
export {
  type Adaptation,
  checkSettings,
  defineRecipe,
  type FineTuningPaths,
  type GivenAncestor,
  type NestedPlan,
  type Recipe,
  type RecipeData,
  type Registry,
  recipeDefaults,
  type TierPlan,
  type TrainedAncestor,
  type Training,
} from './recipe.js'
export * from './report.js'
export { plan, type RunOptions, type RunResult, type RunStageOptions, resultOf, run, runImages, runStage, status } from './run.js'
export { type RunStagesOptions, runStages, type StageLock, type StageOutcome } from './run-stages.js'
export { MODEL, type RunImages, type RunModel } from './session.js'
export { COMPARED, type FoundReport } from './stages/choice.js'
export type { NestedInfo } from './stages/nested.js'
export { type RunStatus, type StageState, type StageStatus, statusOf } from './status.js'
export type { Artifact, ArtifactStore, Checkpoint, Files, Found, Made, StageKeys } from './store.js'
export { type Unit, unitsOf } from './units.js'
export { type Work, type WorkSize, workOf } from './work.js'
