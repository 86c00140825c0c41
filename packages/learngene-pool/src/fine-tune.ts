import type { Reporter, Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { costOfPath, descendantOf, describe, requireArguments, requireKeys, type StitchedFamily } from '@learngene/stitch'
import { adamW, alone, type Group, train } from '@learngene/training'
import { DISTILL_OPTIONS } from './distill.js'
import { keysOf, PLAN_OPTIONS, planEpochs, type TrainingPlan } from './epochs.js'
import { LESSON_OPTIONS, type Lessons, lessonsFrom } from './lessons.js'
import { costBins, type PathPolicy } from './path-policy.js'
import { poolParameters } from './pool.js'

export interface FineTuneOptions extends TrainingPlan, Lessons {
  /** Which path a step trains; default {@link costBins} of 10. */
  readonly policy?: PathPolicy
  /** Paths per step, whose gradients are averaged; default what the policy says, or 1. */
  readonly pathsPerStep?: number
  /** Multipliers of the learning rate; 0 leaves that part alone. Default 1 each. */
  readonly learningRateScale?: { readonly instances?: number; readonly stitches?: number }
  /** Names of tiers that stay as they are, such as the ancestor's own; stitches to them are trained. */
  readonly frozen?: readonly string[]
  readonly group?: Group
  readonly report?: Reporter
  readonly signal?: AbortSignal
}

const FINE_TUNE_OPTIONS = keysOf<FineTuneOptions>({
  ...PLAN_OPTIONS,
  ...LESSON_OPTIONS,
  ...{ policy: true, pathsPerStep: true, learningRateScale: true, frozen: true, group: true, report: true, signal: true },
})

/** Recording a step costs some plain ones: it must come again. Several paths in one step hardly do. */
const MOST_RECORDED_PATHS = 256

/**
 * Trains all instances and stitches together, one path or several per step (method.md section 6). The drawn paths depend on the generator only,
 * so a run can be repeated path by path. Paths of which nothing is trained (`frozen` tiers, a `learningRateScale` of 0) are left out by the default policy; a step whose policy draws one trains nothing. Options of `distill` may be among those given; they mean nothing here.
 *
 * @returns the loss of each step
 * @throws when an argument or option is missing, unknown or of another kind, nothing is left to train, a cached teacher saw other images, or the
 * policy returns something else than a path
 */
export async function fineTune(family: StitchedFamily, source: ImageSource, options: FineTuneOptions, rng: Rng): Promise<Float32Array> {
  requireArguments('fineTune', { family: ['family', family], source: ['source', source], rng: ['rng', rng] })
  requireKeys('fineTune', options, [...new Set([...FINE_TUNE_OPTIONS, ...DISTILL_OPTIONS])])
  const { learningRateScale = {}, group = alone, weightDecay } = options
  const { instances: instanceScale, stitches: stitchScale } = scales(learningRateScale)
  const trained = thawed(family, options.frozen ?? [])
  const { instances, stitches } = poolParameters({ ...family, tiers: trained })
  const parameters = { ...(instanceScale > 0 ? instances : {}), ...(stitchScale > 0 ? stitches : {}) }
  if (Object.keys(parameters).length === 0) {
    throw new Error(
      `fineTune: there must be something to train; the learningRateScale is ${instanceScale} for instances and ${stitchScale} for the ${family.stitches.size} stitches`,
    )
  }
  const epochs = planEpochs(options, source.length, rng.fork('batches'), group)
  if (family.tiers[0]!.network.head.classes === 0) throw new Error('fineTune: labels need a classifier; the tiers give features alone')
  const lessons = await lessonsFrom('fineTune', source, epochs, family.tiers[0]!.network.head.classes, options)
  const policy =
    options.policy ?? defaultPolicy(family, instanceScale > 0 ? new Set(trained.map(({ name }) => name)) : new Set(), stitchScale > 0)
  requireArguments('fineTune', { policy: ['function', policy] })
  const { pathsPerStep = policy.pathsPerStep ?? 1 } = options
  const pathOf = (step: number, part: number) => {
    const path = policy(rng.fork(`path ${step}.${part}`), part)
    requireArguments('fineTune', { 'what the policy returns': ['stitchedPath', path] })
    return path
  }
  const recurring = pathsPerStep === 1 && family.space.count() <= MOST_RECORDED_PATHS
  return train({
    parameters,
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

/** The tiers that are trained. */
function thawed({ tiers }: StitchedFamily, frozen: readonly string[]) {
  if (!Array.isArray(frozen))
    throw new Error(`fineTune: frozen must be a list of names of tiers, for example ['ba12']; got ${describe(frozen)}`)
  const unknown = frozen.find((name) => !tiers.some((tier) => tier.name === name))
  if (unknown !== undefined)
    throw new Error(`fineTune: frozen must name tiers, ${tiers.map(({ name }) => name).join(', ')}; got ${describe(unknown)}`)
  return tiers.filter(({ name }) => !frozen.includes(name))
}

/** The multipliers, 1 where none is given. */
function scales(given: NonNullable<FineTuneOptions['learningRateScale']>): { readonly instances: number; readonly stitches: number } {
  requireKeys('learningRateScale', given, ['instances', 'stitches'])
  const { instances = 1, stitches = 1 } = given
  for (const scale of [instances, stitches]) {
    if (typeof scale === 'number' && scale >= 0 && scale < Infinity) continue
    throw new Error(`learningRateScale: a multiplier must be a number of at least 0; got ${describe(scale)}`)
  }
  return { instances, stitches }
}

/** {@link costBins} over the paths that something is trained of: blocks of a trained tier, or a stitch. */
function defaultPolicy(family: StitchedFamily, tiers: ReadonlySet<string>, stitches: boolean): PathPolicy {
  const trained = {
    *enumerate() {
      for (const path of family.space.enumerate()) {
        if ((stitches && path.stitches.length > 0) || path.path.segments.some(({ tier }) => tiers.has(tier))) yield path
      }
    },
  }
  return costBins(trained, (path) => costOfPath(family, path).macs)
}
