import { customGrad, type GradSaveFunc, type Tensor } from '@tensorflow/tfjs-core'

/** What a forward pass gives: its value and how the gradients of its inputs follow from the value's gradient and the saved tensors. */
export interface Forward<Y extends Tensor> {
  readonly value: Y
  readonly saved: readonly Tensor[]
  /** Gradients in the order of the inputs. Runs inside no tidy of TensorFlow.js's: what it makes besides its result it must free. */
  gradient(dy: Tensor, saved: Tensor[]): Tensor[]
}

/** An operation with its own gradient. Every tensor that needs one must be among the inputs. */
export function withGradient<X extends Tensor[], Y extends Tensor>(inputs: [...X], forward: (...inputs: X) => Forward<Y>): Y {
  const operation = customGrad((...args) => {
    const save = args[args.length - 1] as unknown as GradSaveFunc
    const { value, saved, gradient } = forward(...(args.slice(0, -1) as X))
    save([...saved])
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => gradient(dy, saved) }
  })
  return operation(...inputs) as Y
}
