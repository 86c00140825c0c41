import { withGradient } from '@learngene/ops'
import { clone, type Tensor } from '@tensorflow/tfjs-core'

/** The same values as data: no gradient passes. */
export function frozen<T extends Tensor>(x: T): T {
  return withGradient([], () => ({ value: clone(x), saved: [], gradient: () => [] }))
}
