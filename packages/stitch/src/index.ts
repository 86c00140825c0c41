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
export { identityMap } from './affine-map.js'
export { collectGrams, type SlotGrams } from './collect-grams.js'
export { createStitches, plainStitch } from './create-stitches.js'
export { costOfPath, descendantOf, type StitchedFamily, shapeOfTier, type Tier } from './family.js'
export { type InitialiseOptions, initialiseStitches, type StitchReport } from './initialise-stitches.js'
export * from './initialisers/index.js'
export { accumulate, addGrams, createGram, type Gram, residual } from './linear-algebra/index.js'
export * from './paths/index.js'
export { forwardShared, sharedMacs } from './shared-forward.js'
export type { Side, Transformation } from './transformation.js'
