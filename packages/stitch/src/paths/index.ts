export { comparePaths, createPath, formatPath, type Path, type PathStitch, parsePath, type Segment, type StitchedPath } from './path.js'
export type { PathSpace } from './path-space.js'
export {
  type AlignedOptions,
  aligned,
  createSpace,
  earlyExits,
  type MultiStitchOptions,
  multiStitch,
  type SpaceSpec,
  singleTiers,
  slidingWindow,
  twoWay,
  type WindowOptions,
} from './spaces.js'
export { type BlockPair, defaultTierName, isTierName, type StitchSlot, type TierPairs, type TierShape } from './tiers.js'
