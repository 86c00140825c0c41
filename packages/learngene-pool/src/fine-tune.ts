import type { Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import {
  costOfPath,
  descendantOf,
  describe,
  requireArguments,
  requireKeys,
  type StitchedFamily,
  type StitchedPath,
} from '@learngene/stitch'
import { alone, type TrainingControl } from '@learngene/training'
import { DISTILL_OPTIONS } from './distill.js'
import { LESSON_OPTIONS, type Lesson, type Lessons, lessonsFrom } from './lessons.js'
import { costBins, type PathPolicy } from './path-policy.js'
import { poolParameters } from './pool.js'
import { CONTROL_OPTIONS, keysOf, PLAN_OPTIONS, planEpochs, type TrainingPlan, trainByPlan } from './training-plan.js'

export interface FineTuneOptions extends TrainingPlan, TrainingControl, Lessons {
  /** Which path a step trains; default {@link costBins} of 10. */
  readonly policy?: PathPolicy
  /** Paths per step, whose gradients are averaged; default what the policy says, or 1. */
  readonly pathsPerStep?: number
  /** Multipliers of the learning rate; 0 leaves that part alone. Default 1 each. */
  readonly learningRateScale?: { readonly instances?: number; readonly stitches?: number }
  /** Names of tiers that stay as they are, such as the ancestor's own; stitches to them are trained. */
  readonly frozen?: readonly string[]
  /** Paths whose mean accuracy is watched where the plan validates; default the cheapest, the dearest and one between them. */
  readonly watched?: readonly StitchedPath[]
}

export const FINE_TUNE_OPTIONS = keysOf<FineTuneOptions>({
  ...PLAN_OPTIONS,
  ...LESSON_OPTIONS,
  ...CONTROL_OPTIONS,
  ...{ policy: true, pathsPerStep: true, learningRateScale: true, frozen: true, watched: true },
})

/** Recording a path costs some plain steps: it must come again. */
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
  const { learningRateScale = {} } = options
  const { instances: instanceScale, stitches: stitchScale } = scales(learningRateScale)
  const trained = thawed(family, options.frozen ?? [])
  const { instances, stitches } = poolParameters({ ...family, tiers: trained })
  const parameters = { ...(instanceScale > 0 ? instances : {}), ...(stitchScale > 0 ? stitches : {}) }
  if (Object.keys(parameters).length === 0) {
    throw new Error(
      `fineTune: there must be something to train; the learningRateScale is ${instanceScale} for instances and ${stitchScale} for the ${family.stitches.size} stitches`,
    )
  }
  planEpochs(options, source.length, rng.fork('batches'), options.group ?? alone)
  if (family.tiers[0]!.network.head.classes === 0) throw new Error('fineTune: labels need a classifier; the tiers give features alone')
  const lessons = await lessonsFrom('fineTune', source, family.tiers[0]!.network.head.classes, options)
  const policy =
    options.policy ?? defaultPolicy(family, instanceScale > 0 ? new Set(trained.map(({ name }) => name)) : new Set(), stitchScale > 0)
  requireArguments('fineTune', { policy: ['function', policy] })
  const { pathsPerStep = policy.pathsPerStep ?? 1 } = options
  const pathOf = (step: number, part: number) => {
    const path = policy(rng.fork(`path ${step}.${part}`), part)
    requireArguments('fineTune', { 'what the policy returns': ['stitchedPath', path] })
    return path
  }
  const recurring = family.space.count() <= MOST_RECORDED_PATHS
  const training = {
    parameters,
    source,
    optimizer: { learningRateScale: (name: string) => (name in stitches ? stitchScale : instanceScale) },
    losses: pathsPerStep,
    lesson: lessons.lesson,
    prepareLesson: lessons.prepareLesson,
    loss: (step: number, index: number, lesson: Lesson) => lessons.loss(descendantOf(family, pathOf(step, index)), lesson),
    ...(recurring && pathsPerStep === 1 && { key: (step: number) => family.space.key(pathOf(step, 0)) }),
    ...(recurring && pathsPerStep > 1 && { lossKey: (step: number, index: number) => family.space.key(pathOf(step, index)) }),
    watched: () => (options.watched ?? threePaths(family)).map((path) => descendantOf(family, path)),
  }
  return trainByPlan(options, training, rng)
}

/** The cheapest path, the dearest, and the one in the middle of the costs. */
function threePaths(family: StitchedFamily): StitchedPath[] {
  const costed = Array.from(family.space.enumerate(), (path) => ({ path, macs: costOfPath(family, path).macs }))
  costed.sort((a, b) => a.macs - b.macs)
  const places = new Set([0, Math.floor((costed.length - 1) / 2), costed.length - 1])
  return Array.from(places, (place) => costed[place]!.path)
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
