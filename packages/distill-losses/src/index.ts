export type { Loss } from '@learngene/interfaces/tensors'
export {
  attentionMapKl,
  attentionTransfer,
  cosineDistance,
  featureMse,
  relationMse,
  type TransformationOptions,
  tokenWise,
  transformedMse,
  type VariationalOptions,
  variationalInformation,
} from './feature-losses.js'
export {
  type DecoupledKdOptions,
  type DistOptions,
  decoupledKd,
  dist,
  hardTarget,
  klDivergence,
  labelTarget,
  softTarget,
  standardiseLogits,
  type TemperatureOptions,
} from './logit-losses.js'
export { linearCka, pkt, rkdAngle, rkdDistance, similarityPreserving } from './relational-losses.js'
