import type { Tensor } from '@tensorflow/tfjs-core'

/** One line: the rule and the shapes that came. */
export function shapeError(operation: string, rule: string, tensors: { readonly [name: string]: Tensor }): Error {
  const came = Object.entries(tensors)
    .map(([name, tensor]) => `${name} [${tensor.shape.join(', ')}]`)
    .join(', ')
  return new Error(`${operation}: ${rule}; got ${came}`)
}
