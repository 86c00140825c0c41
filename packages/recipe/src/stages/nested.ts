import { cut } from '@learngene/inherit'
import type { JsonObject } from '@learngene/interfaces'
import { accuracies, createAuxiliary, createNested, type NestedNetwork, trainNested } from '@learngene/learngene-pool'
import { countParameters, disposeNetwork } from '@learngene/vit-blocks'
import { describeLosses, headsOf, sizeOf } from '../describe.js'
import type { Stage, StageContext, StageInputs } from '../plan.js'
import type { NestedPlan } from '../recipe.js'
import { EVALUATION_BATCH, type RunAncestor, type Session } from '../session.js'
import { augmentationOf, controlOf, planOf, settingsOf } from './training.js'

/** What the stage `nested` tells in its `info`. */
export interface NestedInfo {
  /** Scalars that are stored for all widths. */
  readonly parameters: number
  readonly steps: number
  readonly models: readonly {
    readonly width: number
    readonly macs: number
    readonly parameters: number
    readonly validationAccuracy: number
    readonly testAccuracy: number
  }[]
}

/** One network whose leading widths are a family, as MatFormer's and Scala's are, for comparison with the pool. */
export function nestedStages(session: Session, data: string, top: string): Stage[] {
  const { nested, calibrationImages, labelWeight, seed } = session.recipe
  if (!nested) return []
  return [
    {
      name: 'nested',
      title: 'for comparison: nested widths',
      needs: [top],
      settings: settingsOf({ ...nested, calibrationImages, labelWeight, seed, augmentation: augmentationOf(session) }),
      fingerprints: { data },
      run: (context, inputs) => train(context, session, nested, inputs, top),
    },
  ]
}

async function train(context: StageContext, session: Session, plan: NestedPlan, inputs: StageInputs, top: string) {
  const { recipe, group } = session
  const { start: _, widths, sizesPerStep = 3, labelWeight = recipe.labelWeight, ...training } = plan
  const ancestor = await session.ancestor(inputs[top]!)
  const images = session.images(ancestor)
  const teacher = await session.teacher(ancestor, context.report)
  const nested = await create(context, session, plan, ancestor)
  try {
    const networks = nested.widths.map((width) => nested.networkAt(width))
    const middle = networks[Math.floor(networks.length / 2)]!
    const control = await controlOf(context, { batchSize: sizesPerStep * plan.batchSize, trained: middle })
    const options = { ...planOf(training, images.validation), epochs: plan.epochs, labelWeight, sizesPerStep, teacher, ...control }
    const losses = await trainNested(nested, images.augmented, options, session.rng.fork('nested'))
    const measured = { batchSize: EVALUATION_BATCH, group, signal: context.signal }
    const validation = await accuracies(networks, images.validation, measured)
    const test = await accuracies(networks, images.test, measured)
    const models = nested.widths.map((width, i) => ({
      width,
      ...sizeOf(networks[i]!),
      validationAccuracy: validation[i]!,
      testAccuracy: test[i]!,
    }))
    const info: NestedInfo = { parameters: countParameters(nested.parameters), steps: describeLosses(losses).steps, models }
    return { files: {}, info: info as unknown as JsonObject }
  } finally {
    nested.dispose()
  }
}

async function create(
  { report, signal }: StageContext,
  session: Session,
  { widths, start = 'inherit' }: NestedPlan,
  ancestor: RunAncestor,
): Promise<NestedNetwork> {
  const { network: whole } = ancestor
  const width = Math.max(...widths)
  const taken = async () => {
    if (start === 'random') {
      const spec = { width, depth: whole.blocks.length, heads: headsOf(whole) }
      return { network: createAuxiliary(whole, spec, session.rng.fork('nested weights'), session.recipe.registry).network, gains: {} }
    }
    const { rotated } = await session.inheritance(ancestor, report, signal)
    return { network: cut(rotated, { width }).network, gains: gainsWithin(width, rotated.order.energies, widths) }
  }
  const { network, gains } = await taken()
  try {
    return createNested(network, { widths, gains })
  } catch (error) {
    disposeNetwork(network)
    throw error
  }
}

/** For each width, the gain of every norm beside those of the cut of full width, for the energy that it cuts besides: sqrt(D / D_s) sqrt(kept share). */
function gainsWithin(full: number, energies: readonly ArrayLike<number>[], widths: readonly number[]) {
  const kept = (place: ArrayLike<number>, width: number) =>
    Array.from(place)
      .slice(0, width - 1)
      .reduce((total, share) => total + share, 0)
  const gains = (width: number) => energies.map((place) => Math.sqrt(((full / width) * kept(place, width)) / kept(place, full)))
  return Object.fromEntries(widths.map((width) => [width, gains(width)]))
}
