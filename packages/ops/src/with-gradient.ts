import { customGrad, engine, type GradSaveFunc, getGradient, type NamedTensorMap, type Tensor, tidy } from '@tensorflow/tfjs-core'

/** What a forward pass gives: its value, what the backward pass needs, and the gradients of the inputs in their order. */
export interface Forward<Y extends Tensor, S extends Tensor[]> {
  readonly value: Y
  readonly saved: readonly [...S]
  /** Runs inside a tidy. */
  gradient(dy: Y, ...saved: S): Tensor[]
}

/** The same of a forward pass with several values. */
interface ForwardOfSeveral<Y extends Tensor[], S extends Tensor[]> {
  /** New tensors, none of them an input. */
  readonly values: readonly [...Y]
  readonly saved: readonly [...S]
  /** Runs inside a tidy. The gradient of a value that nothing was made of is zeros. */
  gradient(dys: Y, ...saved: S): Tensor[]
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

/**
 * The same with several values, whose gradients arrive together, so that one pass may compute what the inputs get of them all.
 *
 * @throws as `withGradient`
 */
export function withGradients<X extends Tensor[], Y extends Tensor[], S extends Tensor[]>(
  inputs: readonly [...X],
  forward: (...inputs: NoInfer<X>) => ForwardOfSeveral<Y, S>,
): Y {
  requireGradients()
  let gradient: ForwardOfSeveral<Y, S>['gradient']
  return (engine() as unknown as SeveralValues).runKernelFunc({
    inputs: { ...inputs } as unknown as NamedTensorMap,
    forwardFunc(_backend, save) {
      const pass = forward(...(inputs as X))
      gradient = pass.gradient
      save([...pass.saved])
      return [...pass.values]
    },
    backwardsFunc(dys, saved) {
      const gradients = tidy(() => gradient(dys as Y, ...(saved as S)))
      return Object.fromEntries(gradients.map((each, i) => [i, () => each]))
    },
  }) as Y
}

/** What stands behind `customGrad` in TensorFlow.js (4.22), which itself lets an operation have one value only. */
interface SeveralValues {
  runKernelFunc(operation: {
    readonly inputs: NamedTensorMap
    forwardFunc(backend: unknown, save: GradSaveFunc): Tensor[]
    backwardsFunc(dys: Tensor[], saved: Tensor[]): { readonly [input: string]: () => Tensor }
  }): Tensor[]
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
