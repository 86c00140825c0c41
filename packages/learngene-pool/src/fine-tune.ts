import { hardTarget, softTarget } from '@learngene/distill-losses'
import type { Reporter, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { classTargets, crossEntropy } from '@learngene/ops'
import { costOfPath, descendantOf, type StitchedFamily } from '@learngene/stitch'
import { adamW, alone, type Group, train } from '@learngene/training'
import { forward } from '@learngene/vit-blocks'
import { add, mean, mul, type Scalar } from '@tensorflow/tfjs-core'
import { planEpochs, type TrainingPlan } from './epochs.js'
import { costBins, type PathPolicy } from './path-policy.js'
import { poolParameters } from './pool.js'
import { requireSound, type Teacher } from './teacher.js'

export interface FineTuneOptions extends TrainingPlan {
  /** The ancestor's logits; without a teacher the labels alone teach. */
  readonly teacher?: Teacher
  /** How its logits are followed: cross entropy with its probabilities (default) or with its most likely class. */
  readonly targets?: 'soft' | 'hard'
  /** Weight of the labels' cross entropy beside the teacher's; default 0.5. */
  readonly labelWeight?: number
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
  const { teacher, targets = 'soft', labelWeight = 0.5, pathsPerStep = 1, group = alone, weightDecay } = options
  requireSound(teacher, source)
  const policy = options.policy ?? costBins(family.space, (path) => costOfPath(family, path).macs)
  const { instances, stitches } = poolParameters(family)
  const { instances: instanceScale = 1, stitches: stitchScale = 1 } = options.learningRateScale ?? {}
  const epochs = planEpochs(options, source.length, rng.fork('batches'), group)
  const { classes } = family.tiers[0]!.network.head
  const follow = targets === 'soft' ? softTarget : hardTarget
  const pathOf = (step: number, part: number) => policy(rng.fork(`path ${step}.${part}`))
  const recurring = pathsPerStep === 1 && family.space.count() <= MOST_RECORDED_PATHS
  return train({
    parameters: { ...(instanceScale > 0 ? instances : {}), ...(stitchScale > 0 ? stitches : {}) },
    steps: epochs.steps,
    learningRate: epochs.learningRate,
    optimizer: adamW({ weightDecay, learningRateScale: (name) => (name in stitches ? stitchScale : instanceScale) }),
    accumulate: pathsPerStep,
    prepare: (step) => source.prepare?.(epochs.indices(step)),
    batch(step) {
      const indices = epochs.indices(step)
      const images = source.images(indices)
      return { images, targets: classTargets(source.labels(indices), classes), ancestor: teacher?.(indices, images, []).logits ?? null }
    },
    loss(step, part, { images, targets, ancestor }) {
      const { logits } = forward(descendantOf(family, pathOf(step, part)), images)
      const labelled = crossEntropy(logits, targets)
      if (!ancestor) return mean(labelled) as Scalar
      return mean(add(mul(labelled, labelWeight), mul(follow(logits, ancestor), 1 - labelWeight))) as Scalar
    },
    ...(recurring && { compile: { key: (step) => family.space.key(pathOf(step, 0)) } }),
    group,
    report: options.report,
    signal: options.signal,
  })
}
