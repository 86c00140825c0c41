import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { add, clone, engine, mul, type Scalar, Tensor, tidy } from '@tensorflow/tfjs-core'

/** A loss and its gradients by parameter name. */
export type LossAndGradients = { loss: Tensor; gradients: NamedTensors }

/**
 * The mean of `parts` losses, and its gradients. Parameters that no part reaches have no gradient, be it all of them; the caller disposes the result.
 *
 * @throws when a loss is not a scalar
 */
export function meanGradients(parameters: Parameters, parts: number, loss: (part: number) => Scalar): LossAndGradients {
  const names = Object.keys(parameters)
  const ofPart = (part: number): LossAndGradients => {
    // variableGrads refuses a loss that reaches no parameter; the engine gives it no gradient.
    const { value, grads } = engine().gradients(
      () => {
        try {
          const value = requireScalar(loss(part))
          return parts === 1 ? value : mul(value, 1 / parts)
        } catch (error) {
          freeTape()
          throw error
        }
      },
      Object.values(parameters),
      undefined,
      true,
    )
    const reached = names.flatMap((name, i) => (grads[i] ? [[name, grads[i]] as const] : []))
    return { loss: value, gradients: Object.fromEntries(reached) }
  }
  return tidy(() => {
    let total = ofPart(0)
    for (let part = 1; part < parts; part++) {
      const [before, next] = [total, ofPart(part)]
      total = { loss: add(before.loss, next.loss), gradients: sum(before.gradients, next.gradients) }
      disposeGradients(before)
      disposeGradients(next)
    }
    return total
  })
}

/** Frees a loss and its gradients. */
export function disposeGradients({ loss, gradients }: LossAndGradients): void {
  loss.dispose()
  for (const gradient of Object.values(gradients)) gradient.dispose()
}

function requireScalar(loss: Scalar): Scalar {
  if (loss instanceof Tensor && loss.rank === 0) return loss
  const came = (loss as unknown) instanceof Tensor ? `a tensor of shape [${(loss as Tensor).shape}]` : String(loss)
  throw new Error(`train: the loss must be a scalar, the mean over the batch; got ${came}`)
}

/** Frees what operations saved for the backward pass; the engine forgets it when the loss throws. */
function freeTape(): void {
  const { state } = engine()
  if (state.gradientDepth > 1) return
  for (const { saved = [] } of state.activeTape) for (const tensor of saved) tensor.dispose()
}

/** Puts a new value in the place of each tensor and frees the old ones. */
export function replaceEach(tensors: NamedTensors, change: (tensor: Tensor, name: string) => Tensor): void {
  const changed = tidy(() => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, change(tensor, name)])))
  for (const tensor of Object.values(tensors)) tensor.dispose()
  Object.assign(tensors, changed)
}

/** a + b by name; a missing gradient counts as zero. */
function sum(a: NamedTensors, b: NamedTensors): NamedTensors {
  const result: NamedTensors = {}
  for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [x, y] = [a[name], b[name]]
    result[name] = x && y ? add(x, y) : clone((x ?? y)!)
  }
  return result
}
