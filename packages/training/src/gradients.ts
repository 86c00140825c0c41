import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { add, clone, engine, mul, type Scalar, type Tensor, tidy, variableGrads } from '@tensorflow/tfjs-core'

/** A loss and its gradients by parameter name. */
export type LossAndGradients = { loss: Tensor; gradients: NamedTensors }

/** The mean of `parts` losses, and its gradients. Parameters that no part reaches have no gradient; the caller disposes the result. */
export function meanGradients(parameters: Parameters, parts: number, loss: (part: number) => Scalar): LossAndGradients {
  const names = new Map(Object.entries(parameters).map(([name, parameter]) => [parameter.name, name]))
  const variables = Object.values(parameters)
  const ofPart = (part: number): LossAndGradients => {
    const { value, grads } = variableGrads(() => {
      try {
        return parts === 1 ? loss(part) : mul(loss(part), 1 / parts)
      } catch (error) {
        freeTape()
        throw error
      }
    }, variables)
    return { loss: value, gradients: Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [names.get(name)!, gradient])) }
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

/** Frees what operations saved for the backward pass; variableGrads forgets it when the loss throws. */
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
