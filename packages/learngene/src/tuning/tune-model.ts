import { type Tuning, tune } from '@learngene/backends'
import { namedModel } from '@learngene/bench'
import type { Reporter } from '@learngene/interfaces'
import { getPrecision, requireMixed, setPrecision } from '@learngene/ops'
import { createRng, type TrainingPrecision } from '@learngene/training'
import { createViT, type Network } from '@learngene/vit-blocks'
import { readModel } from '../commands/bench/options.js'
import { loadModelAt } from '../commands/load-model.js'
import { startBackend } from '../start-backend.js'
import { deviceName, stepOf } from './step.js'

interface TuneModelOptions {
  /** A name or a configuration of the benchmark, or whatever a command calls a model. */
  readonly model: string
  readonly config?: string
  readonly batch: number
  readonly seconds: number
  readonly what: 'train' | 'forward'
  /** Of the products; those of `mixed` have plans of their own. */
  readonly precision?: TrainingPrecision
}

interface Context {
  readonly report: Reporter
  readonly signal?: AbortSignal
}

/**
 * Tunes the products of a model's step on webgpu.
 *
 * @throws when there is no such model, webgpu cannot be started, its device has no units for `mixed`, or the plans cannot be kept
 */
export async function tuneModel(
  { model, config, batch, seconds, what, precision = 'float32' }: TuneModelOptions,
  { report, signal }: Context,
): Promise<Tuning & { readonly device: string }> {
  await startBackend('webgpu')
  if (precision === 'mixed') requireMixed('tune')
  const network = await networkOf(model, config, report)
  report({
    kind: 'stage',
    name: `time the products of ${model} on ${await deviceName()}, batch ${batch}${precision === 'mixed' ? ', in mixed precision' : ''}`,
  })
  const onShape = (done: number, total: number) => report({ kind: 'progress', done, total })
  const before = getPrecision()
  setPrecision(precision === 'mixed' ? 'mixed' : 'f32')
  try {
    return { ...(await tune(stepOf(network, batch, what), { seconds, signal, onShape })), device: await deviceName() }
  } finally {
    setPrecision(before)
  }
}

async function networkOf(model: string, config: string | undefined, report: Reporter): Promise<Network> {
  if (namedModel(model) || model.trimStart().startsWith('{')) return createViT((await readModel(model)).config, createRng(0))
  return (await loadModelAt(model, { config, report })).network
}
