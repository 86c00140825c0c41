import type { Rng } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import { requireArguments } from '@learngene/stitch'
import type { Network } from '@learngene/vit-blocks'
import type { AuxiliarySpec } from '../auxiliary.js'
import { type DistillOptions, distill } from '../distill.js'
import type { TrainingPlan } from '../training-plan.js'
import type { TrainedNetwork } from './train-network.js'

/**
 * One plan as long as several one after the other: the epochs of all, everything else from the first. What a family takes for all its trainings,
 * given to one model.
 *
 * @throws when there is no plan, or the batches differ in size: equal epochs would not be equal steps
 */
export function samePlan(plans: readonly TrainingPlan[]): TrainingPlan {
  requireArguments('samePlan', { plans: ['object[]', plans] })
  const [first, ...others] = plans
  if (!first) throw new Error('samePlan: there must be at least one plan; got none')
  const other = others.find(({ batchSize }) => batchSize !== first.batchSize)
  if (other) throw new Error(`samePlan: all plans must have batches of one size; got ${first.batchSize} and ${other.batchSize} images`)
  return { ...first, epochs: plans.reduce((sum, { epochs }) => sum + epochs, 0) }
}

/**
 * "Why not just distil?": one small model, distilled from the ancestor with the losses of an auxiliary and the budget of a whole pool, which
 * {@link samePlan} of the pool's trainings gives.
 */
export async function distillSmall(
  ancestor: Network,
  spec: AuxiliarySpec,
  source: ImageSource,
  options: DistillOptions,
  rng: Rng,
): Promise<TrainedNetwork> {
  const { tier, losses } = await distill(ancestor, spec, source, options, rng)
  return { network: tier.network, losses }
}
