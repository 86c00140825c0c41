export { checkSpace, createSpace, type SpaceFactory, type SpaceRegistry, type SpaceSpec, standardSpaces } from './create-space.js'
export { findWithStitches, moreStitches } from './more-stitches.js'
export { comparePaths, createPath, formatPath, type Path, type PathStitch, parsePath, type Segment, type StitchedPath } from './path.js'
export { createPathSpace, type PathRules, type PathSpace } from './path-space.js'
export {
  type AlignedOptions,
  aligned,
  earlyExits,
  type MultiStitchOptions,
  multiStitch,
  singleTiers,
  slidingWindow,
  twoWay,
  type WindowOptions,
} from './spaces.js'
export { type BlockPair, defaultTierName, isTierName, type StitchSlot, stitchSlot, type TierPairs, type TierShape } from './tiers.js'
