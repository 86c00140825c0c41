import type { Reporter, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { costOfPath, descendantOf, type StitchedFamily } from '@learngene/stitch'
import { adamW, alone, type Group, train } from '@learngene/training'
import { planEpochs, type TrainingPlan } from './epochs.js'
import { type Lessons, lessonsFrom } from './lessons.js'
import { costBins, type PathPolicy } from './path-policy.js'
import { poolParameters } from './pool.js'

export interface FineTuneOptions extends TrainingPlan, Lessons {
  /** Which path a step trains; default {@link costBins} of 10. */
  readonly policy?: PathPolicy
  /** Paths per step, whose gradients are averaged; default 1. */
  readonly pathsPerStep?: number
  /** Multipliers of the learning rate; 0 leaves that part alone. Default 1 each. */
  readonly learningRateScale?: { readonly instances?: number; readonly stitches?: number }
  readonly group?: Group
  readonly report?: Reporter
  readonly signal?: AbortSignal
}

/** Recording a step costs some plain ones: it must come again. Several paths in one step hardly do. */
const MOST_RECORDED_PATHS = 256

/**
 * Trains all instances and stitches together, one path or several per step (method.md section 6). The drawn paths depend on the generator only,
 * so a run can be repeated path by path.
 *
 * @returns the loss of each step
 */
export async function fineTune(family: StitchedFamily, source: ImageSource, options: FineTuneOptions, rng: Rng): Promise<Float32Array> {
  const { pathsPerStep = 1, group = alone, weightDecay } = options
  const policy = options.policy ?? costBins(family.space, (path) => costOfPath(family, path).macs)
  const { instances, stitches } = poolParameters(family)
  const { instances: instanceScale = 1, stitches: stitchScale = 1 } = options.learningRateScale ?? {}
  const epochs = planEpochs(options, source.length, rng.fork('batches'), group)
  const lessons = lessonsFrom(source, epochs, family.tiers[0]!.network.head.classes, options)
  const pathOf = (step: number, part: number) => policy(rng.fork(`path ${step}.${part}`))
  const recurring = pathsPerStep === 1 && family.space.count() <= MOST_RECORDED_PATHS
  return train({
    parameters: { ...(instanceScale > 0 ? instances : {}), ...(stitchScale > 0 ? stitches : {}) },
    steps: epochs.steps,
    learningRate: epochs.learningRate,
    optimizer: adamW({ weightDecay, learningRateScale: (name) => (name in stitches ? stitchScale : instanceScale) }),
    accumulate: pathsPerStep,
    prepare: lessons.prepare,
    batch: lessons.batch,
    loss: (step, part, lesson) => lessons.loss(descendantOf(family, pathOf(step, part)), lesson),
    ...(recurring && { compile: { key: (step) => family.space.key(pathOf(step, 0)) } }),
    group,
    report: options.report,
    signal: options.signal,
  })
}
