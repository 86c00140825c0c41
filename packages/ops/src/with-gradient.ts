import { engine, type GradSaveFunc, getGradient, type Tensor, tidy } from '@tensorflow/tfjs-core'

/** What a forward pass gives: its value or several, what the backward pass needs, and the gradients of the inputs in their order. */
export interface Forward<Y extends Tensor | Tensor[], S extends Tensor[]> {
  /** Several are new tensors, none of them an input, and two at least. */
  readonly value: Y
  readonly saved: readonly [...S]
  /** Runs inside a tidy. Where nothing was made of one of several values, its dy is zeros. */
  gradient(dy: Y, ...saved: S): Tensor[]
}

/** Whether somebody may ask for gradients of what runs now. Not asked of the engine's tape, which stays where a function whose gradients were wanted has thrown. */
export const underTape = (): boolean => engine().state.gradientDepth > 0

/**
 * An operation with a gradient of its own. Every tensor that needs a gradient must be among the inputs; all others that the forward pass uses are data. Where it has several values their gradients
 * arrive together, so that one pass may compute what the inputs get of them all.
 *
 * @param forward given the inputs; TensorFlow.js records nothing of what it does
 * @throws where gradients will be asked for and those of TensorFlow.js's own operations, which stand around this one, are not registered
 */
export function withGradient<X extends Tensor[], Y extends Tensor | Tensor[], S extends Tensor[]>(
  inputs: readonly [...X],
  forward: (...inputs: NoInfer<X>) => Forward<Y, S>,
): Y {
  requireGradients()
  let gradient: Forward<Y, S>['gradient']
  return (engine() as unknown as BehindCustomGrad).runKernelFunc<Y>({
    inputs,
    forwardFunc(_backend, save) {
      const pass = forward(...(inputs as X))
      gradient = pass.gradient
      save([...pass.saved])
      return pass.value
    },
    backwardsFunc: (dy, saved) => tidy(() => gradient(dy, ...(saved as S))).map((each) => () => each),
  })
}

/** What `customGrad` of TensorFlow.js (4.22) calls, which itself lets an operation have one value only. Inputs and their gradients go by their index. */
interface BehindCustomGrad {
  runKernelFunc<Y>(operation: {
    readonly inputs: readonly Tensor[]
    forwardFunc(backend: unknown, save: GradSaveFunc): Y
    backwardsFunc(dy: Y, saved: Tensor[]): (() => Tensor)[]
  }): Y
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
