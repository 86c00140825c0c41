import type { JsonObject } from '@learngene/interfaces'
import type { ImageSource } from '@learngene/interfaces/tensors'
import type { TrainingPlan } from '@learngene/learngene-pool'
import type { TrainingControl } from '@learngene/training'
import { costOf, type Network } from '@learngene/vit-blocks'
import type { StageContext } from '../plan.js'
import type { Training } from '../recipe.js'
import type { Session } from '../session.js'
import { decodeTraining, encodeTraining } from '../training-file.js'

/** A forward and a backward pass cost about three forward passes. */
const PASSES = 3

/** Seconds after which a training keeps a checkpoint, however few steps it has taken. */
const CHECKPOINT_SECONDS = 60

/** A recipe's plan of training as the trainer takes it. */
export function planOf<T extends Training>(
  training: T,
  validation: ImageSource,
): Omit<T, 'validateEpochs' | 'patience'> & Pick<TrainingPlan, 'validation'> {
  const { validateEpochs, patience, ...plan } = training
  if (validateEpochs === undefined) return plan
  return { ...plan, validation: { source: validation, everyEpochs: validateEpochs, keepBest: patience !== undefined, patience } }
}

/** What a key can hold of settings: functions by their text. */
export const settingsOf = (value: object): JsonObject =>
  JSON.parse(JSON.stringify(value, (_, each) => (typeof each === 'function' ? String(each) : each)))

export const augmentationOf = ({ recipe }: Session): JsonObject => settingsOf(recipe.data.augmentation ?? {})

/** The user's own of a registry under a kind, as a key can hold it; nothing where the kind is a standard one. */
export const ownOf = (registry: { readonly [kind: string]: unknown } | undefined, kind: string | undefined, key = 'own'): JsonObject =>
  kind !== undefined && registry && Object.hasOwn(registry, kind) ? settingsOf({ [key]: registry[kind] }) : {}

/** Checkpoints, numbers and costs of the training inside a stage. @param trained the network of a step, of average cost */
export async function controlOf(
  context: StageContext,
  { batchSize, trained, passes = PASSES }: { readonly batchSize: number; readonly trained: Network; readonly passes?: number },
): Promise<Required<Pick<TrainingControl, 'group' | 'report' | 'checkpoint'>> & TrainingControl> {
  const { checkpoint, group, signal, account } = context
  const { macs } = costOf(trained)
  let total: number | undefined
  return {
    group,
    signal,
    report(event) {
      context.report(event)
      if (event.kind !== 'progress' || !event.metrics) return
      total = event.total
      context.metrics(event.done, event.metrics)
      account.add({ images: batchSize, macs: passes * batchSize * macs })
    },
    checkpoint: {
      every: checkpoint.every,
      seconds: CHECKPOINT_SECONDS,
      save: (state) => checkpoint.save(encodeTraining(state), { step: state.step, total }),
    },
    ...(checkpoint.last && { resume: await decodeTraining(checkpoint.last.content) }),
  }
}
