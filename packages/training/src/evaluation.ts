import type { NamedTensors, Parameters } from '@learngene/interfaces/tensors'
import { dispose, type Tensor } from '@tensorflow/tfjs-core'
import { describe, requireFunctions, requireKeys } from './arguments.js'
import { assignStored, type StepEvaluation, type StoredTensor, storeAll, type TrainingCheckpoint } from './checkpoint.js'
import type { Optimizer, OptimizerState } from './optimizer.js'

/** How a training is watched while it runs. */
export interface EvaluationOptions {
  /** Steps between two evaluations; the last step is evaluated in any case. */
  readonly every: number
  /** Measures what is trained, by name, such as the accuracy on validation images. Every member of a group calls it and must get the same. */
  readonly measure: (step: number) => Promise<{ readonly [name: string]: number }>
  /** A measure, the higher the better: the training ends with the parameters that were best by it. */
  readonly keepBest?: string
  /** Ends the training early after so many evaluations in a row without a better one; needs `keepBest`. */
  readonly patience?: number
}

/** Evaluates a training between its steps. */
export interface Watch {
  readonly evaluations: readonly StepEvaluation[]
  readonly best: { readonly [name: string]: StoredTensor } | undefined
  /** Whether the training is evaluated after so many steps. */
  isDue(finished: number): boolean
  /** What was measured where a step is evaluated. */
  after(step: number): Promise<StepEvaluation['measures']>
  /** Whether patience is at its end. */
  ended(): boolean
  /** Leaves the parameters as the training ends with them. */
  finish(): void
}

/** @throws when an option is unknown or of another kind */
export function requireEvaluation(options: EvaluationOptions): void {
  requireKeys('evaluate', options, ['every', 'measure', 'keepBest', 'patience'])
  requireFunctions('evaluate', options, ['measure'])
  const { every, measure, keepBest, patience } = options
  if (!Number.isInteger(every) || every < 1) throw new Error(`evaluate: every must be an integer of at least 1; got ${describe(every)}`)
  if (measure === undefined) throw new Error('evaluate: measure must be given; it is missing')
  if (patience === undefined) return
  if (!Number.isInteger(patience) || patience < 1) {
    throw new Error(`evaluate: patience must be an integer of at least 1; got ${describe(patience)}`)
  }
  if (keepBest === undefined) throw new Error('evaluate: patience needs keepBest, the name of the measure that must get better')
}

/** Watches a training; with an optimizer that averages, its averages are what is evaluated, kept and left in the end. */
export function watch(
  options: EvaluationOptions | undefined,
  { optimizer, parameters, steps, state }: WatchedTraining,
  resume: TrainingCheckpoint | undefined,
): Watch {
  const evaluations: StepEvaluation[] = [...(resume?.evaluations ?? [])]
  let best = resume?.best
  const { every = Number.POSITIVE_INFINITY, measure, keepBest, patience = Number.POSITIVE_INFINITY } = options ?? {}
  const scores = () => evaluations.map(({ measures }) => measures[keepBest!]!)
  const isBest = () => scores().slice(0, -1).every((score) => score < scores().at(-1)!) // biome-ignore format: short
  const isDue = (finished: number) => measure !== undefined && (finished % every === 0 || finished === steps)
  return {
    evaluations,
    get best() {
      return best
    },
    isDue,
    async after(step) {
      const finished = step + 1
      if (!measure || !isDue(finished)) return {}
      return withAverages(optimizer, parameters, state, async () => {
        const measures = await measure(step)
        evaluations.push({ step: finished, measures })
        if (keepBest === undefined) return measures
        if (!Number.isFinite(measures[keepBest])) {
          throw new Error(`evaluate: keepBest must name a measure, ${Object.keys(measures).join(', ')}; got ${describe(keepBest)}`)
        }
        if (isBest()) best = await storeAll(parameters)
        return measures
      })
    },
    ended() {
      const since = keepBest === undefined ? 0 : scores().length - 1 - scores().indexOf(Math.max(...scores()))
      return evaluations.length > 0 && since >= patience
    },
    finish() {
      if (best) for (const [name, stored] of Object.entries(best)) assignStored(parameters[name]!, stored)
      else {
        const averages = optimizer.averages?.(state) ?? {}
        assignAll(parameters, averages)
        dispose(averages)
      }
    },
  }
}

interface WatchedTraining {
  readonly optimizer: Optimizer
  readonly parameters: Parameters
  readonly steps: number
  readonly state: OptimizerState
}

/** Runs `action` with the averages in place of the parameters they are of. */
async function withAverages<T>(optimizer: Optimizer, parameters: Parameters, state: OptimizerState, action: () => Promise<T>): Promise<T> {
  const averages = optimizer.averages?.(state)
  if (!averages) return action()
  const before: NamedTensors = Object.fromEntries(Object.keys(averages).map((name) => [name, (parameters[name] as Tensor).clone()]))
  assignAll(parameters, averages)
  dispose(averages)
  try {
    return await action()
  } finally {
    assignAll(parameters, before)
    dispose(before)
  }
}

function assignAll(parameters: Parameters, values: NamedTensors): void {
  for (const [name, value] of Object.entries(values)) parameters[name]!.assign(value)
}
