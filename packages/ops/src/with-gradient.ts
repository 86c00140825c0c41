import { customGrad, engine, type GradSaveFunc, getGradient, type Tensor, tidy } from '@tensorflow/tfjs-core'

/** What a forward pass gives: its value, what the backward pass needs, and the gradients of the inputs in their order. */
export interface Forward<Y extends Tensor, S extends Tensor[]> {
  readonly value: Y
  readonly saved: readonly [...S]
  /** Runs inside a tidy. */
  gradient(dy: Y, ...saved: S): Tensor[]
}

/**
 * An operation with a gradient of its own. Every tensor that needs a gradient must be among the inputs; all others that the forward pass uses are data.
 *
 * @param forward given the inputs; TensorFlow.js records nothing of what it does
 * @throws where gradients will be asked for and those of TensorFlow.js's own operations, which stand around this one, are not registered
 */
export function withGradient<X extends Tensor[], Y extends Tensor, S extends Tensor[]>(
  inputs: readonly [...X],
  forward: (...inputs: NoInfer<X>) => Forward<Y, S>,
): Y {
  requireGradients()
  const operation = customGrad((...args) => {
    const save = args[args.length - 1] as unknown as GradSaveFunc
    const { value, saved, gradient } = forward(...(args.slice(0, -1) as X))
    save([...saved])
    return { value, gradFunc: (dy: Tensor, saved: Tensor[]) => tidy(() => gradient(dy as Y, ...(saved as S))) }
  })
  return operation(...inputs) as Y
}

/** Any of them tells: they are registered all at once. */
const ONE_OF_ALL = 'Reshape'

function requireGradients(): void {
  const { gradientDepth, kernelDepth } = engine().state
  if (gradientDepth === 0 || kernelDepth > 0 || getGradient(ONE_OF_ALL) !== undefined) return
  throw new Error(
    "gradients: those of TensorFlow.js's own operations must be registered; they are not. Import '@learngene/ops/gradients' (train of @learngene/training does)",
  )
}
