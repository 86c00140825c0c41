import type { Reporter } from '@learngene/interfaces'
import { askProcess } from '../ask-process.js'
import { oneLine } from '../errors.js'
import type { RunConfig } from './config.js'

/** When a run on webgpu tunes its products first: `auto` where its training is long and no step of it has begun, on hardware only. */
export const TUNE_WHEN = ['auto', 'always', 'never'] as const

export type TuneWhen = (typeof TUNE_WHEN)[number]

/** Steps from which a training is long: below, measuring takes longer than it gains. */
const LONG_STEPS = 2000

/** The time that measuring may take. */
const SECONDS = 20

export interface TuneRunRequest {
  readonly config: RunConfig
  readonly configFile?: string | undefined
  readonly seconds: number
  /** Tunes on an adapter too that computes on the CPU. */
  readonly software: boolean
}

/** What the process says: why it has not measured, or what it has. */
export type TuneRunAnswer =
  | { readonly skipped: string }
  | { readonly device: string; readonly measured: number; readonly seconds: number; readonly file: string | null }

interface TuneRunOptions extends Pick<TuneRunRequest, 'config' | 'configFile'> {
  readonly when: TuneWhen
  /** Training images. */
  readonly images: number
  /** Whether no step has begun: sums in another order would end what is repeated bit by bit. */
  readonly isNew: boolean
  /** The built `tune-process` entry. */
  readonly module: URL
  readonly report: Reporter
  readonly signal?: AbortSignal
}

/** The steps of a run's distilling and fine-tuning. */
export function stepsOf(
  { tiers, distillation, fineTuning }: Pick<RunConfig, 'tiers' | 'distillation' | 'fineTuning'>,
  images: number,
): number {
  const distilling = tiers.reduce((sum, { epochs }) => sum + epochs, 0) * Math.floor(images / distillation.batchSize)
  return Math.round(distilling + fineTuning.epochs * Math.floor(images / fineTuning.batchSize))
}

/** Tunes the products of a run on webgpu, in a process of its own, where it is worth it; a failure is a line, and the run goes on. @throws the signal's reason */
export async function tuneRun({ when, config, configFile, images, isNew, module, report, signal }: TuneRunOptions): Promise<void> {
  if (when === 'never' || !isNew || (when === 'auto' && stepsOf(config, images) < LONG_STEPS)) return
  const request: TuneRunRequest = { config, configFile, seconds: SECONDS, software: when === 'always' }
  const say = (text: string) => report({ kind: 'message', text })
  try {
    const answer = (await askProcess(
      module,
      request,
      (stderr, ended) => stderr.trim().split('\n').at(-1) || ended,
      signal,
    )) as TuneRunAnswer
    if ('skipped' in answer) say(`products are not tuned: ${answer.skipped}`)
    else say(`tuned ${answer.measured} products for ${answer.device} in ${answer.seconds.toFixed(0)} s; kept in ${answer.file}`)
  } catch (error) {
    signal?.throwIfAborted()
    say(`products are not tuned: ${oneLine(error)}`)
  }
}
