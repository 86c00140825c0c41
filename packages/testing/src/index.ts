// Tests ask for gradients of anything.
import '@learngene/ops/gradients'

export { checkGradients, checkLeaks } from './check-gradients.js'
export { describeEachBackend, type TestedBackend } from './describe-each-backend.js'
export { describeOnSmallGpu } from './describe-on-small-gpu.js'
export { expectClose } from './expect-close.js'
export { expectRefusal } from './expect-refusal.js'
export { type RandomTensor, randomTensors, uniformTensors } from './random-tensors.js'
export { readFile } from './read-file.js'
export { startBackend } from './start-backend.js'
export { TOLERANCES, type Tolerances } from './tolerances.js'
export { valuesOf } from './values-of.js'
export { type WatchedPrograms, watchPrograms } from './watch-programs.js'
