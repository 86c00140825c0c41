export {
  type AffineMap,
  assignStitch,
  createLoraStitch,
  createStitch,
  describe,
  type LoraStitchConfig,
  mergeLora,
  requireArguments,
  requireKeys,
  type StitchConfig,
  stitchFrom,
} from '@learngene/vit-blocks'
export {
  type Cascade,
  type Confidence,
  type ConfidenceName,
  type ConfidenceOf,
  cascade,
  confidenceNamed,
  confidences,
  costOfCascade,
  disposeCascade,
  forwardCascade,
  sharedFront,
  sharedFrontMacs,
} from './cascade.js'
export { isCascadeFile, type LoadCascadeOptions, type LoadedCascade, loadCascade, saveCascade } from './cascade-file.js'
export { type CascadePaths, formatCascade, isCascadeText, parseCascade } from './cascade-text.js'
export { collectGrams, type SlotGrams } from './collect-grams.js'
export { costOfPath, descendantOf, type StitchedFamily, shapeOfTier, type Tier } from './family.js'
export {
  type InitialiserName,
  identity,
  initialisers,
  type LeastSquaresOptions,
  learned,
  leastSquares,
  paper,
  pinv,
  type RidgeOptions,
  random,
  ridge,
} from './initialisers.js'
export { accumulate, addGrams, createGram, type Gram, residual } from './linear-algebra.js'
export * from './paths/index.js'
export { forwardShared, sharedMacs } from './shared-forward.js'
export type { StitchInitialiser, StitchProblem } from './stitch-problem.js'
export { createStitches, type InitialiseOptions, initialiseStitches, plainStitch, type StitchReport } from './stitches.js'
export { identityMap, isIdentity, type Side, type Transformation } from './transformation.js'
