import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { add, clone, div, engine, mul, type Scalar, stack, Tensor, tensor, tidy } from '@tensorflow/tfjs-core'
import type { Group } from './group.js'

/** A loss: a scalar, or its named terms, scalars whose sum is what is trained. */
export type LossTerms = Scalar | { readonly [term: string]: Scalar }

/** A loss, its gradients by parameter name, and what its values are. */
export type LossAndGradients = {
  /** A scalar, or the terms [T]. */
  loss: Tensor
  /** Names of the terms; none where the loss is a scalar. */
  terms: string[]
  gradients: NamedTensors
}

/** What was read of a loss: the sum of its terms, and each where they are named. */
export type LossValues = { readonly loss: number } & { readonly [term: string]: number }

/** The numbers of {@link LossAndGradients}. */
export function lossValues(values: ArrayLike<number>, terms: readonly string[]): LossValues {
  const loss = Array.from(values).reduce((total, value) => total + value, 0)
  return { ...Object.fromEntries(terms.map((term, i) => [term, values[i]!])), loss }
}

/** @throws where parts of one step name the terms of their losses differently */
export function requireSameTerms(terms: readonly string[], others: readonly string[]): void {
  if (others.join() === terms.join()) return
  throw new Error(`train: the parts of a step must have a loss of the same terms; got ${terms} and ${others}`)
}

/**
 * The mean of `parts` losses, and its gradients. Parameters that no part reaches have no gradient, be it all of them; the caller disposes the result.
 *
 * @param options.factor of each part's loss
 * @param options.scale a power of two that the gradients, not the loss, are multiplied by
 * @throws when a loss or one of its terms is not a scalar, or the terms of the parts have other names
 */
export function meanGradients(
  parameters: Parameters,
  parts: number,
  loss: (part: number) => LossTerms,
  { factor = 1 / parts, scale }: { readonly factor?: number; readonly scale?: Scalar } = {},
): LossAndGradients {
  const names = Object.keys(parameters)
  let terms: string[] | undefined
  const ofPart = (part: number): LossAndGradients => {
    // variableGrads refuses a loss that reaches no parameter; the engine gives it no gradient.
    const { value, grads } = engine().gradients(
      () => {
        try {
          const { value, names } = joined(loss(part))
          if (terms) requireSameTerms(terms, names)
          terms = names
          const weighted = factor === 1 ? value : mul(value, factor)
          return scale ? mul(weighted, scale) : weighted
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
    return { loss: scale ? div(value, scale) : value, terms: terms!, gradients: Object.fromEntries(reached) }
  }
  return tidy(() => {
    let total = ofPart(0)
    for (let part = 1; part < parts; part++) {
      const [before, next] = [total, ofPart(part)]
      total = { ...before, loss: add(before.loss, next.loss), gradients: sum(before.gradients, next.gradients) }
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

/** Terms as one vector: the gradient of its sum is that of the loss, and one reading gives all of them. */
export function joined(loss: LossTerms): { readonly value: Tensor; readonly names: string[] } {
  if (loss instanceof Tensor || typeof loss !== 'object' || loss === null) return { value: requireScalar('the loss', loss), names: [] }
  const names = Object.keys(loss)
  if (names.length === 0) throw new Error('train: the loss must have at least one term; got an empty object')
  return { value: stack(names.map((name) => requireScalar(`the loss's term '${name}'`, loss[name]))), names } // [T]
}

function requireScalar(what: string, loss: unknown): Tensor {
  if (loss instanceof Tensor && loss.rank === 0) return loss
  const came = loss instanceof Tensor ? `a tensor of shape [${loss.shape}]` : String(loss)
  throw new Error(`train: ${what} must be a scalar, the mean over the batch; got ${came}`)
}

/** Frees what operations saved for the backward pass; the engine forgets it when the loss throws. */
function freeTape(): void {
  const { state } = engine()
  if (state.gradientDepth > 1) return
  for (const { saved = [] } of state.activeTape) for (const tensor of saved) tensor.dispose()
}

/** Puts a new value in the place of each tensor and frees the old ones. */
function replaceEach(tensors: NamedTensors, change: (tensor: Tensor, name: string) => Tensor): void {
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

/** Replaces loss and gradients, which all members read and average, by their mean over the group. */
export async function averageOverGroup(
  group: Group,
  mean: LossAndGradients,
  read: (tensor: Tensor) => Promise<Float32Array>,
): Promise<void> {
  const tensors = [mean.loss, ...Object.values(mean.gradients)]
  const values = await Promise.all(tensors.map(read))
  const packed = new Float32Array(values.reduce((length, { length: next }) => length + next, 0))
  let offset = 0
  for (const value of values) {
    packed.set(value, offset)
    offset += value.length
  }
  group.mean(packed)
  offset = 0
  const next = ({ size, shape }: Tensor) => {
    offset += size
    return tensor(packed.subarray(offset - size, offset), shape, 'float32')
  }
  const { loss } = mean
  mean.loss = next(loss)
  loss.dispose()
  replaceEach(mean.gradients, next)
}
