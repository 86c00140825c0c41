export { distillSmall, samePlan } from './distilled-small.js'
export { type FromScratchOptions, trainFromScratch } from './from-scratch.js'
export { inheritLearngene, type LearngeneSpec, trainLearngene } from './learngene.js'
export { createNested, type NestedNetwork, type NestedOptions, type NestedTraining, trainNested } from './nested-width.js'
export {
  type AnchorOptions,
  buildSnNet,
  type SnNetOptions,
  type SnNetTraining,
  type TrainedAnchors,
  trainAnchors,
  trainSnNet,
} from './sn-net.js'
export { type NetworkTraining, type TrainedNetwork, trainNetwork } from './train-network.js'
