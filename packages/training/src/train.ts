import type { Reporter } from '@learngene/interfaces'
import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import {
  add,
  dispose,
  mul,
  type Scalar,
  sqrt,
  square,
  sum,
  type Tensor,
  type TensorContainer,
  tensor,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core'
import { alone, type Group } from './group.js'
import { disposeState, type Optimizer } from './optimizer.js'
import type { Schedule } from './schedule.js'

export interface TrainOptions<Batch extends TensorContainer = void> {
  /** What is trained. A parameter that a step's loss does not reach is left alone in that step. */
  readonly parameters: Parameters
  readonly steps: number
  /** What a step's losses are computed from: images, targets, a teacher's outputs. Runs under no tape, once per step; its tensors are freed after the step. */
  readonly batch?: (step: number) => Batch
  /** The mean loss over this member's share of the step's batch. Runs under the tape and inside a tidy. `part` counts the accumulated parts of one step. */
  readonly loss: (step: number, part: number, batch: Batch) => Scalar
  readonly optimizer: Optimizer
  readonly learningRate: Schedule
  /** Parts of a step whose gradients are averaged before the update; default 1. */
  readonly accumulate?: number
  /** Scales the gradients down where their joint Euclidean norm exceeds this. */
  readonly clipNorm?: number
  /** Who trains together; default alone. */
  readonly group?: Group
  readonly report?: Reporter
  /** Ends the training between two steps with the signal's reason. */
  readonly signal?: AbortSignal
}

/**
 * The training loop of every model of the project.
 *
 * @returns the loss of each step, averaged over the group
 * @throws when a loss is not finite, naming the step; the parameters are then those before it
 */
export async function train<Batch extends TensorContainer = void>(options: TrainOptions<Batch>): Promise<Float32Array> {
  const { parameters, steps, optimizer, learningRate, group = alone, report, signal } = options
  const state = optimizer.init(parameters)
  const losses = new Float32Array(steps)
  try {
    for (let step = 0; step < steps; step++) {
      signal?.throwIfAborted()
      const { loss, gradients } = stepGradients(options, step)
      try {
        losses[step] = await agree(group, loss, gradients)
        if (!Number.isFinite(losses[step])) {
          throw new Error(
            `train: the loss must stay finite; step ${step} of ${steps} gave ${losses[step]} at learning rate ${learningRate(step)}. Lower the learning rate or clip gradients`,
          )
        }
        if (options.clipNorm !== undefined) clip(gradients, options.clipNorm)
        optimizer.update(parameters, gradients, state, learningRate(step))
      } finally {
        loss.dispose()
        for (const gradient of Object.values(gradients)) gradient.dispose()
      }
      report?.({ kind: 'progress', done: step + 1, total: steps, metrics: { loss: losses[step]! } })
    }
    return losses
  } finally {
    disposeState(state)
  }
}

/** Loss and gradients by parameter name, averaged over the accumulated parts. */
function stepGradients<Batch extends TensorContainer>(
  options: TrainOptions<Batch>,
  step: number,
): { loss: Tensor; gradients: NamedTensors } {
  const batch = (options.batch ? tidy(() => options.batch!(step)) : undefined) as Batch
  try {
    return batchGradients(options, step, batch)
  } finally {
    dispose(batch)
  }
}

function batchGradients<Batch extends TensorContainer>(
  { parameters, loss, accumulate = 1 }: TrainOptions<Batch>,
  step: number,
  batch: Batch,
): { loss: Tensor; gradients: NamedTensors } {
  const names = new Map(Object.entries(parameters).map(([name, parameter]) => [parameter.name, name]))
  const variables = Object.values(parameters)
  let total: Tensor | undefined
  const gradients: NamedTensors = {}
  for (let part = 0; part < accumulate; part++) {
    const { value, grads } = variableGrads(() => loss(step, part, batch), variables)
    total = replaceBySum(total, value)
    for (const [variable, gradient] of Object.entries(grads)) {
      const name = names.get(variable)!
      gradients[name] = replaceBySum(gradients[name], gradient)
    }
  }
  if (accumulate === 1) return { loss: total!, gradients }
  for (const name of Object.keys(gradients)) gradients[name] = replaceByScaled(gradients[name]!, 1 / accumulate)
  return { loss: replaceByScaled(total!, 1 / accumulate), gradients }
}

function replaceBySum(total: Tensor | undefined, next: Tensor): Tensor {
  if (total === undefined) return next
  const result = add(total, next)
  total.dispose()
  next.dispose()
  return result
}

function replaceByScaled(value: Tensor, factor: number): Tensor {
  const result = mul(value, factor)
  value.dispose()
  return result
}

/** Averages loss and gradients over the group; gradients are replaced in their record. Returns the mean loss. */
async function agree(group: Group, loss: Tensor, gradients: NamedTensors): Promise<number> {
  if (group.size === 1) return (await loss.data())[0]!
  const entries = Object.entries(gradients)
  const packed = new Float32Array(1 + entries.reduce((length, [, gradient]) => length + gradient.size, 0))
  packed.set(loss.dataSync())
  let offset = 1
  for (const [, gradient] of entries) {
    packed.set(gradient.dataSync(), offset)
    offset += gradient.size
  }
  group.mean(packed)
  offset = 1
  for (const [name, gradient] of entries) {
    gradients[name] = tensor(packed.slice(offset, offset + gradient.size), gradient.shape, 'float32')
    offset += gradient.size
    gradient.dispose()
  }
  return packed[0]!
}

/** Scales all gradients by min(1, limit / norm). */
function clip(gradients: NamedTensors, limit: number): void {
  const factor = tidy(() => {
    const squares = Object.values(gradients).map((gradient) => sum(square(gradient)) as Tensor)
    const norm = sqrt(squares.reduce((total, next) => add(total, next))).dataSync()[0]!
    return Math.min(1, limit / (norm + 1e-6))
  }) as unknown as number
  if (factor < 1) for (const name of Object.keys(gradients)) gradients[name] = replaceByScaled(gradients[name]!, factor)
}
