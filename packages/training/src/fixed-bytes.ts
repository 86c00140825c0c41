import type { Parameters } from '@learngene/interfaces/tensors'
import { engine } from '@tensorflow/tfjs-core'

/** Of every dtype that tensors have on a GPU. */
const BYTES = 4

/**
 * Bytes that do not depend on the batch: all variables that there are, and of each parameter that is trained the gradient and what the optimizer remembers.
 *
 * @param parameters that are trained; default none
 * @param remembered values per parameter: 2 of AdamW, and an average of the weights is one more
 */
export function fixedBytes(parameters: Parameters = {}, remembered = 0): number {
  const bytes = (variables: Parameters) => Object.values(variables).reduce((sum, { size }) => sum + BYTES * size, 0)
  return bytes(engine().registeredVariables) + (1 + remembered) * bytes(parameters)
}
