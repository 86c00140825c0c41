// Registers the gradients of TensorFlow.js, which plain Node lacks, for whoever imports only one loss.
import '@learngene/ops'
import { clone, customGrad, type GradSaveFunc, reshape, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core'

/** What a forward pass gives: its value, what the backward pass needs, and the inputs' gradients in their order. */
export interface Forward<Y extends Tensor, S extends Tensor[]> {
  readonly value: Y
  readonly saved: readonly [...S]
  gradient(dy: Y, ...saved: S): Tensor[]
}

/** A function with its own gradient in the inputs. All other tensors that the forward pass uses are data: no gradient reaches them. */
export function withGradient<Y extends Tensor, S extends Tensor[]>(inputs: readonly Tensor[], forward: () => Forward<Y, S>): Y {
  const operation = customGrad((...args) => {
    const save = args[args.length - 1] as unknown as GradSaveFunc
    const { value, saved, gradient } = forward()
    save([...saved])
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => tidy(() => gradient(dy as Y, ...(saved as S))) }
  })
  return operation(...inputs) as Y
}

/** The same values as data: no gradient passes. */
export function frozen<T extends Tensor>(x: T): T {
  return withGradient([], () => ({ value: clone(x), saved: [], gradient: () => [] }))
}

/** One row per example, so that a value per example broadcasts along its last dimension. */
export function exampleRows(x: Tensor): Tensor2D {
  return reshape(x, [x.shape[0]!, -1]) as Tensor2D // [B, M]
}
