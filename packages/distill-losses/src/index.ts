export type { Loss } from '@learngene/interfaces/tensors'
export { attentionMapKl, cosineDistance, featureMse, relationMse, type TransformationOptions, transformedMse } from './feature-losses.js'
export { hardTarget, klDivergence, labelTarget, softTarget, type TemperatureOptions } from './logit-losses.js'
